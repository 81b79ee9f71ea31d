"""From a file of X-Road records to the report's section on them, by the commands that people type.

Every figure is worked out a second way here, by plain arithmetic on the records.
"""

from __future__ import annotations

import csv
import io
import json
import math
import sys
import zipfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

from monitor.cli import main
from monitor.reports.figures import Language
from monitor.reports.layout.blocks import As, Table
from monitor.reports.layout.document import lay_out
from monitor.reports.model import Report
from monitor.reports.texts import Texts
from monitor.xroad.measures import MEASURES
from tests.builders import exchange_json
from tests.monitor.registry.writing import AGENCIES, agency, agreement, service, write_folder
from tests.monitor.xroad.parts import Record, halves, sample

PERIOD = "2025-10"
BEGIN = datetime(2025, 10, 5, 1, tzinfo=UTC)
ESTIMATE = 0.011  # of percentiles, from histograms
CAUSES = {
    "Server.ServerProxy.AccessDenied": "denied",
    "Server.ClientProxy.UnknownMember": "unknown_service",
    "Server.ServerProxy.SslAuthenticationFailed": "certificate",
    "Server.ServerProxy.InvalidSignatureValue": "signature",
    "Server.ServerProxy.ServiceFailed.InvalidSoap": "schema",
    "server.serverproxy.maintenance_mode": "overload",
    "Server.Whatever": "other",
}
Call = tuple[Record | None, Record | None]
Key = tuple[str | None, str | None, str | None]
Run = Callable[..., int]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Run:
    """`run("report", "--period", …)` in a folder with a registry and an empty database: the exit status.

    The database is SQLite, or what an indirect parameter says.
    """
    lookup = service("population.lookup-citizen", xroad=["population/lookup*/v2"])
    write_folder(
        tmp_path / "registry",
        agencies=(
            agency("MPS", xroad=["VN/GOV/G01"], previous_codes=["GOV-P"]),
            agency("MOH", xroad=["VN/GOV/G02/his-*", "DEV/ORG/1234567-8"]),
            agency("VSS", xroad=["VN/GOV/G03"]),
            *AGENCIES[3:],
        ),
        services=(
            service(xroad=["population/verifyIdentity"]),
            lookup,
            service("health.own-data", provider="MOH", xroad=["*/getSecurityServerOperationalData"]),
        ),
        agreements=[agreement()],
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MONITOR_REGISTRY", "registry")
    on_postgres = getattr(request, "param", "sqlite") == "postgresql"
    url = request.getfixturevalue("postgres_url") if on_postgres else f"sqlite:///{tmp_path}/monitor.db"
    monkeypatch.setenv("MONITOR_DATABASE_URL", url)

    def command(*arguments: str) -> int:
        monkeypatch.setattr(sys, "argv", ["monitor", *arguments])
        with pytest.raises(SystemExit) as left:
            main()
        return int(left.value.code or 0)

    assert command("migrate") == 0
    return command


def made() -> list[Call]:
    """120 calls of fifteen days: two consumers, failed in every way, seen from one side, with bad clocks."""
    calls: list[Call] = []
    faults = list(CAUSES)
    for number in range(120):
        changes: dict[str, Any] = {}
        if number % 3 == 1:
            changes |= {"clientMemberCode": "G03", "clientSubsystemCode": "claims"}
        if number % 7 == 5:
            changes |= {"succeeded": False, "faultCode": faults[number // 7 % len(faults)]}
        clock = -500 if 40 <= number < 50 else 0
        client, producer = halves(number, at=BEGIN + timedelta(hours=3 * number), clock=clock, **changes)
        calls.append((None if number % 20 == 13 else client, None if number % 20 == 3 else producer))
    return calls


def written(path: Path, calls: Iterable[Call], again: Sequence[Record] = ()) -> str:
    """A file of the calls' halves, the producers' first, and some that come again."""
    records = [half for side in (1, 0) for call in calls if (half := call[side]) is not None]
    path.write_text("".join(json.dumps(record) + "\n" for record in (*records, *again)), encoding="utf-8")
    return path.name


def of(call: Call) -> tuple[str, str, str]:
    """Whose call it is, by the registry's words."""
    half = call[0] or call[1]
    assert half is not None
    if half["clientXRoadInstance"] == "DEV":
        return "MOH", "MOH", "health.own-data"
    name = "verify-identity" if half["serviceCode"] == "verifyIdentity" else "lookup-citizen"
    return "MPS", "MOH" if half["clientMemberCode"] == "G02" else "VSS", f"population.{name}"


def values(call: Call) -> tuple[dict[str, int], list[str]]:
    """Every measure of a call, microseconds or bytes, and those that would be negative."""
    client, producer = call
    found: dict[str, int] = {}
    for half, names in (
        (client, ("client_request", None, "client_response", "total")),
        (producer, ("producer_request", "service", "producer_response", "producer_total")),
    ):
        if half is not None:
            times = [half[f"{name}Ts"] for name in ("requestIn", "requestOut", "responseIn", "responseOut")]
            spans = (*(b - a for a, b in pairwise(times)), times[3] - times[0])
            found |= {name: span * 1000 for name, span in zip(names, spans, strict=True) if name}
    if client is not None and producer is not None:
        found["network_out"] = (producer["requestInTs"] - client["requestOutTs"]) * 1000
        found["network_back"] = (client["responseInTs"] - producer["responseOutTs"]) * 1000
        found["network"] = found["network_out"] + found["network_back"]
    negative = [name for name, value in found.items() if value < 0]
    if "network_out" in negative or "network_back" in negative:
        negative = [*{*negative, "network_out", "network_back"}]
    half = client or producer
    assert half is not None
    for way in ("request", "response"):
        plain = next(
            half[f"{way}{kind}"] for kind in ("Size", "SoapSize", "RestSize") if f"{way}{kind}" in half
        )
        found[f"{way}_bytes"] = half[f"{way}MimeSize"] if half[f"{way}AttachmentCount"] else plain
    return {name: value for name, value in found.items() if name not in negative}, negative


def check(part: dict[str, Any], calls: Sequence[Call]) -> None:
    """Every row of the section against the records."""
    for rows, measures, level in (
        ([part["total"]], part["measures"], lambda _: (None, None, None)),
        (part["services"], part["service_measures"], lambda key: (key[0], None, key[2])),
        (part["pairs"], part["pair_measures"], lambda key: key),
    ):
        groups: defaultdict[Key, list[Call]] = defaultdict(list)
        for call in calls:
            groups[level(of(call))].append(call)
        assert {row_key(row) for row in rows} == set(groups)
        for row in rows:
            check_row(row, groups[row_key(row)])
        assert [row["calls"] for row in rows] == sorted((row["calls"] for row in rows), reverse=True)
        found = {(row_key(row), row["measure"]): row for row in measures}
        assert len(found) == len(measures)
        check_measures(found, groups)
    assert part["pairs_more"] == 0


def row_key(row: dict[str, Any]) -> Key:
    """What a row is about."""
    return row["provider"], row["consumer"], row["service"]


def check_row(row: dict[str, Any], calls: Sequence[Call]) -> None:
    """Halves, successes, and failures by cause."""
    causes = Counter(
        CAUSES[half["faultCode"]] for a, b in calls if (half := a or b) is not None and not half["succeeded"]
    )
    assert row["calls"] == len(calls)
    assert row["both_halves"] == sum(None not in call for call in calls)
    assert row["client_only"] == sum(call[1] is None for call in calls)
    assert row["producer_only"] == sum(call[0] is None for call in calls)
    assert {name: count for name, count in row["causes"].items() if count} == causes
    assert row["failed"] == causes.total()
    assert row["succeeded"] == len(calls) - causes.total()


def check_measures(found: dict[tuple[Key, str], dict[str, Any]], groups: dict[Key, list[Call]]) -> None:
    """Minimum, mean, percentiles, maximum and sum of everything that was measured."""
    expected: defaultdict[tuple[Key, str], list[int]] = defaultdict(list)
    flagged: Counter[tuple[Key, str]] = Counter()
    for key, calls in groups.items():
        for call in calls:
            told, negative = values(call)
            for name, value in told.items():
                expected[key, name].append(value)
            flagged.update((key, name) for name in negative)
    assert set(found) == {*expected, *flagged}
    for where, row in found.items():
        held = sorted(expected[where])
        assert row["unit"] == ("bytes" if where[1].endswith("_bytes") else "us")
        assert row["flagged"] == flagged[where], where
        exact = (len(held), sum(held), min(held, default=None), max(held, default=None))
        assert (row["count"], row["total"], row["smallest"], row["largest"]) == exact, where
        assert row["mean"] == (sum(held) / len(held) if held else None), where
        for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99)):
            if held:
                rank = held[math.ceil(share * len(held)) - 1]
                assert row[name] == pytest.approx(rank, rel=ESTIMATE, abs=1), (where, name)
            else:
                assert row[name] is None


def section(folder: Path, period: str, subject: str = "national") -> Any:
    """The section of the report that was written; None where it has none."""
    report = json.loads((folder / f"report-{period}-{subject}-vi.json").read_text(encoding="utf-8"))
    return report["xroad"]


@pytest.mark.parametrize("run", ["sqlite", "postgresql"], indirect=True)
def test_a_history_of_records_is_in_the_report_figure_by_figure(run: Run, tmp_path: Path) -> None:
    """National, of one agency, and as tables; a second run of the same file changes nothing."""
    calls = made()
    again = [half for half in calls[0] if half is not None]
    name = written(tmp_path / "records.ndjson", calls, again)
    assert run("backfill", name) == 0
    assert run("backfill", name) == 0
    command = ("report", "--period", PERIOD, "--format", "json,csv", "--out", ".")
    assert run(*command) == 0
    part = section(tmp_path, PERIOD)
    check(part, calls)
    assert part["duplicates"] == 2
    assert part["network_flagged"] == sum("network_out" in values(call)[1] for call in calls) > 0
    assert (part["ambiguous"], part["identities_differ"], part["wrong_times"]) == (0, 0, {})
    with zipfile.ZipFile(tmp_path / f"report-{PERIOD}-national-vi.csv.zip") as archive:
        for table, rows in (("xroad_pairs", part["pairs"]), ("xroad_pair_measures", part["pair_measures"])):
            text = archive.read(f"{table}.csv").decode("utf-8-sig")
            read = list(csv.DictReader(io.StringIO(text)))
            assert [row["service"] for row in read] == [row["service"] for row in rows]
        assert int(read[0]["count"]) == part["pair_measures"][0]["count"]
    assert run(*command, "--agency", "VSS") == 0
    check(section(tmp_path, PERIOD, "VSS"), [call for call in calls if "VSS" in of(call)])


def test_files_of_each_side_come_to_the_same(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A half that comes with another file takes the place of what one side told."""
    calls = made()
    for side in (0, 1):
        one: list[Call] = [(call[0], None) if side == 0 else (None, call[1]) for call in calls]
        name = written(tmp_path / f"{side}.ndjson", [call for call in one if call != (None, None)])
        assert run("backfill", name) == 0
    told = capsys.readouterr().out
    assert "114 lines: 114 calls counted, 114 of them seen from one side\n" in told
    assert (
        "114 lines: 6 calls counted, 6 of them seen from one side, 108 completed by their other half\n"
        in told
    )
    assert told.count("114 lines read in ") == 2
    assert run("report", "--period", PERIOD, "--format", "json", "--out", ".") == 0
    check(section(tmp_path, PERIOD), calls)


def test_a_period_without_records_has_no_section(run: Run, tmp_path: Path) -> None:
    """Though it has exchanges; the week before has one, and the year holds all."""
    name = written(tmp_path / "records.ndjson", made())
    later = exchange_json(id="x", time=BEGIN + timedelta(days=40))
    (tmp_path / "exchanges.ndjson").write_bytes(later + b"\n")
    assert run("backfill", name, "exchanges.ndjson") == 0
    for period in ("2025-11", "2025"):
        assert run("report", "--period", period, "--format", "json", "--out", ".") == 0
    assert section(tmp_path, "2025-11") is None
    check(section(tmp_path, "2025"), made())


@pytest.mark.parametrize("language", get_args(Language))
@pytest.mark.parametrize("agency_code", ["national", "VSS"])
def test_the_section_is_laid_out_with_names_for_everything(
    run: Run, tmp_path: Path, language: Language, agency_code: str
) -> None:
    """Services, causes, measures and pairs on pages, everything in sheets; sizes as sizes, times as times."""
    assert run("backfill", written(tmp_path / "records.ndjson", made())) == 0
    whose = () if agency_code == "national" else ("--agency", agency_code)
    assert run("report", "--period", PERIOD, "--format", "json", "--out", ".", *whose) == 0
    plain = (tmp_path / f"report-{PERIOD}-{agency_code}-vi.json").read_bytes()
    report, texts = msgspec.json.decode(plain, type=Report), Texts(language)
    document = lay_out(report, texts)
    (found,) = [each for each in document.sections if each.key == "xroad"]
    tables = {block.key: block for block in found.blocks if isinstance(block, Table)}
    assert list(tables) == [
        "xroad_services", "xroad_causes", "xroad_measures", "xroad_pairs", "xroad_records",
    ]  # fmt: skip
    sheets = {table.key: table for table in document.only_sheets}
    part = report.xroad
    assert part is not None
    rows = len(part.service_measures) + len(part.pair_measures)
    assert len(sheets["xroad_all_measures"].rows) == rows
    assert len(sheets["xroad_all_pairs"].rows) == len(part.pairs)
    for table in (*tables.values(), *sheets.values()):
        assert all(len(row) == len(table.columns) for row in table.rows), table.key
    measures = {row[0]: row for row in tables["xroad_measures"].rows}
    assert len(measures) == len(MEASURES)
    assert not {str(name) for name in measures} & set(MEASURES), "a measure has no name"
    size = measures[texts("xroad_measure.response_bytes")][-1]
    assert size == As(part.measures[-1].largest, "size")
    assert {row[0] for row in tables["xroad_causes"].rows} <= {
        texts(f"xroad_cause.{cause}") for cause in CAUSES.values()
    }
    shares = [row[2] for row in tables["xroad_causes"].rows]
    assert sum(float(str(share)) for share in shares) == pytest.approx(part.total.failed / part.total.calls)


def test_real_records_are_in_the_report_figure_by_figure(run: Run, tmp_path: Path) -> None:
    """Two hundred calls, by every measure; one record's response leaves before it comes."""
    by_id: defaultdict[str, dict[str, Record]] = defaultdict(dict)
    path = sample("opmon_400.ndjson")
    for line in path.read_bytes().splitlines():
        record = json.loads(line)
        by_id[record["xRequestId"]][record["securityServerType"]] = record
    calls = [(each["Client"], each["Producer"]) for each in by_id.values()]
    assert run("backfill", str(path)) == 0
    period = f"{datetime.fromtimestamp(calls[0][0]['requestInTs'] / 1000, UTC):%Y}"
    assert run("report", "--period", period, "--format", "json", "--out", ".") == 0
    part = section(tmp_path, period)
    assert part["total"]["calls"] == part["total"]["both_halves"] == 200
    for row in (part["total"], *part["services"]):
        assert row["calls"] == row["succeeded"] + row["failed"]
    assert sum(part["wrong_times"].values()) == 1
    found = {row["measure"]: row for row in part["measures"]}
    expected: defaultdict[str, list[int]] = defaultdict(list)
    for call in calls:
        for name, value in values(call)[0].items():
            expected[name].append(value)
    for name, held in expected.items():
        row = found[name]
        exact = (len(held), sum(held), min(held), max(held), sum(held) / len(held))
        told = tuple(row[each] for each in ("count", "total", "smallest", "largest", "mean"))
        assert told == exact, name
