"""The body of an exchange that keeps its agreement: text from a template and a few random bits."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from monitor.simulation.template import LATENCY, Template, sizes

BITS = 60  # random bits that `body` uses
_FAULTS = ("provider.unavailable", "provider.internal-error", "provider.no-answer", "adapter.rejected")
_TIMEOUT_TENTHS = 300_000  # the platform gives up after 30 s
_REFUSAL_TENTHS = 120  # the gateway refuses without asking the provider
_SECONDS_REMEMBERED = 10_000
_MILLISECONDS = tuple(f"{ms:03d}" for ms in range(1000))


class Body(NamedTuple):
    """An exchange's JSON and the figures in it."""

    text: str
    records: int
    request_bytes: int
    response_bytes: int
    duration_us: int


def body(chosen: Template, event_id: str, time: str, outcome: str, bits: int, subject: int) -> Body:
    """Write one exchange: `time` as it stands in JSON, BITS random `bits`, 64 random bits of `subject`."""
    spread = bits >> 34 & 255
    fault = ""
    if outcome == "ok":
        # The quantiles are 4096; the spread moves each by up to 4 %, so that values do not repeat.
        tenths = int(chosen.tenths_of_median * LATENCY[bits >> 4 & 4095] * (0.96 + spread / 3200)) or 1
        records = chosen.records[bits >> 16 & 63]
        request, response = sizes(chosen, records, spread)
    else:
        records = 0
        request, response = sizes(chosen, 0, spread)
        if outcome == "fault":
            tenths = int(chosen.tenths_of_median * LATENCY[bits >> 4 & 4095]) or 1
            fault = f',"fault_code":"{_FAULTS[bits >> 16 & 3]}"'
        elif outcome == "denied":
            tenths = _REFUSAL_TENTHS + spread
        else:
            tenths, response = _TIMEOUT_TENTHS + spread, 0
    case = f',"case":"HS-{bits >> 42 & 65535:05d}"' if chosen.has_case else ""
    about = f',"subject":"{subject:016x}"' if chosen.has_subject else ""
    text = (
        f'{{"id":"{event_id}","time":{time},{chosen.heads[bits & 15]},"outcome":"{outcome}",'
        f'"duration_ms":{tenths // 10}.{tenths % 10},"records":{records},"request_bytes":{request},'
        f'"response_bytes":{response},"actor":"{chosen.officers[bits >> 22 & 63]}"{case}{about}{fault},'
        f"{chosen.tails[bits & 15]}}}"
    )
    return Body(text, records, request, response, tenths * 100)


class TimeTexts:
    """Event times as the agencies write them: mostly RFC 3339 in UTC, some local, some epoch milliseconds."""

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self._utc: dict[int, str] = {}

    def write(self, milliseconds: int, bits: int) -> str:
        """A time as JSON; of 32 values of the low bits two give local time and one gives milliseconds."""
        form = bits & 31
        if form > 2:
            second = milliseconds // 1000
            text = self._utc.get(second)
            if text is None:
                if len(self._utc) >= _SECONDS_REMEMBERED:
                    self._utc.clear()
                text = self._utc[second] = f'"{datetime.fromtimestamp(second, UTC):%Y-%m-%dT%H:%M:%S}.'
            return f'{text}{_MILLISECONDS[milliseconds % 1000]}Z"'
        if form == 2:
            return str(milliseconds)
        local = datetime.fromtimestamp(milliseconds // 1000, self._zone)
        offset = local.isoformat()[-6:]
        return f'"{local:%Y-%m-%dT%H:%M:%S}.{_MILLISECONDS[milliseconds % 1000]}{offset}"'
