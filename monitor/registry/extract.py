"""The public extract of the agreements register: who may ask whom for what, why, and until when.

Mailboxes, permitted systems and certificates, hours, ceilings, checks and security levels stay inside: they
name whom to write to in a body, and how to get round a limit.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Final, Literal

from jinja2 import Environment, StrictUndefined

from monitor.registry.model import Agency, Agreement, Objectives, Text
from monitor.registry.registry import Registry

Language = Literal["en", "vi"]

COLUMNS: Final[tuple[tuple[str, str, str], ...]] = (
    ("id", "Agreement", "Mã thỏa thuận"),
    ("version", "Version", "Phiên bản"),
    ("title", "Title", "Tên thỏa thuận"),
    ("provider", "Provider", "Cơ quan cung cấp"),
    ("consumer", "Consumer", "Cơ quan khai thác"),
    ("service", "Service", "Dịch vụ"),
    ("database", "Database", "Cơ sở dữ liệu"),
    ("method", "Method", "Phương thức"),
    ("form", "Form", "Hình thức"),
    ("fields", "Fields", "Trường dữ liệu"),
    ("personal_data", "Personal data", "Dữ liệu cá nhân"),
    ("legal_basis", "Legal basis", "Căn cứ pháp lý"),
    ("purposes", "Purposes", "Mục đích"),
    ("procedures", "Procedures", "Thủ tục hành chính"),
    ("benefits", "Benefits", "Lợi ích"),
    ("availability", "Availability", "Độ sẵn sàng"),
    ("latency", "Response time", "Thời gian trả lời"),
    ("retention", "Retention (days)", "Lưu giữ (ngày)"),
    ("onward_sharing", "Onward sharing", "Chia sẻ tiếp"),
    ("impact_assessment", "Impact assessment", "Đánh giá tác động"),
    ("status", "Status", "Trạng thái"),
    ("signed", "Signed", "Ngày ký"),
    ("start", "Start", "Có hiệu lực từ"),
    ("end", "End", "Đến ngày"),
    ("review", "Review", "Rà soát"),
)
"""Name of the column in CSV, and its title in English and Vietnamese."""

_WORDS: Final[dict[str, dict[Language, str]]] = {
    "register": {"en": "Register of data-sharing agreements", "vi": "Danh mục thỏa thuận chia sẻ dữ liệu"},
    "as_of": {"en": "As of", "vi": "Tính đến ngày"},
    "count": {"en": "Agreements", "vi": "Số thỏa thuận"},
    "yes": {"en": "yes", "vi": "có"},
    "no": {"en": "no", "vi": "không"},
    "all": {"en": "all", "vi": "tất cả"},
    "default": {"en": "default", "vi": "mặc định"},
    "on-request": {"en": "on request", "vi": "theo yêu cầu"},
    "query": {"en": "query", "vi": "truy vấn"},
    "sync": {"en": "synchronisation", "vi": "đồng bộ"},
    "sync-general": {"en": "to the general database", "vi": "đồng bộ về cơ sở dữ liệu tổng hợp"},
    "package": {"en": "package", "vi": "gói dữ liệu"},
    "none": {"en": "none", "vi": "không"},
    "basic": {"en": "basic", "vi": "cơ bản"},
    "sensitive": {"en": "sensitive", "vi": "nhạy cảm"},
    "draft": {"en": "draft", "vi": "dự thảo"},
    "registered": {"en": "registered", "vi": "đã đăng ký"},
    "active": {"en": "active", "vi": "đang hiệu lực"},
    "suspended": {"en": "suspended", "vi": "tạm dừng"},
    "terminated": {"en": "terminated", "vi": "chấm dứt"},
}
# What office programs read as the beginning of a formula.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_BOM: Final = "\ufeff"  # without it Excel takes UTF-8 for the code page of the computer


def rows(registry: Registry, language: Language, *, drafts: bool = False) -> list[tuple[str, ...]]:
    """Every version of every agreement, in order of id; drafts only where they are asked for."""
    return [
        _row(registry, agreement, language)
        for agreement in sorted(registry.agreements, key=lambda each: (each.id, each.version))
        if drafts or agreement.status != "draft"
    ]


def _row(registry: Registry, of: Agreement, language: Language) -> tuple[str, ...]:
    service = registry.services.get(of.service)
    objectives = of.objectives
    values = {
        "id": of.id,
        "version": str(of.version),
        "title": _text(of.title, language),
        "provider": _agency(registry.agency(of.provider), of.provider, language),
        "consumer": _agency(registry.agency(of.consumer), of.consumer, language),
        "service": of.service if service is None else f"{_text(service.name, language)} ({of.service})",
        "database": (service.database or "") if service else "",
        "method": _word(service.method, language) if service else "",
        "form": _word(of.form, language),
        "fields": ", ".join(of.fields) or _word("all", language),
        "personal_data": _word(service.personal_data, language) if service else "",
        "legal_basis": "; ".join(of.legal_basis),
        "purposes": ", ".join(of.purposes),
        "procedures": "; ".join(of.procedures),
        "benefits": _text(of.benefits, language),
        "availability": "" if objectives.availability is None else f"{objectives.availability * 100:.6g}%",
        "latency": _latency(objectives),
        "retention": "" if objectives.retention is None else f"{objectives.retention / timedelta(days=1):g}",
        "onward_sharing": _word("yes" if of.onward_sharing else "no", language),
        "impact_assessment": of.impact_assessment or "",
        "status": _word(of.status, language),
        "signed": _day(of.dates.signed),
        "start": _day(of.start),
        "end": _day(of.last_day),
        "review": _day(of.dates.review),
    }
    return tuple(values[name] for name, _, _ in COLUMNS)


def _text(of: Text | None, language: Language) -> str:
    return "" if of is None else (of.vi if language == "vi" else of.en)


def _agency(of: Agency | None, code: str, language: Language) -> str:
    return code if of is None else f"{_text(of.name, language)} ({code})"


def _word(key: str, language: Language) -> str:
    return _WORDS[key][language]


def _latency(of: Objectives) -> str:
    return "" if of.latency is None else f"≤ {of.latency.limit_ms:g} ms ({of.latency.ratio * 100:.6g}%)"


def _day(of: date | None) -> str:
    return "" if of is None else of.isoformat()


def as_csv(held: Iterable[tuple[str, ...]]) -> str:
    """CSV with the names of columns in the first line; what could be read as a formula begins with '."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([name for name, _, _ in COLUMNS])
    for row in held:
        writer.writerow([f"'{value}" if value.startswith(_FORMULA) else value for value in row])
    return _BOM + text.getvalue()


def as_html(held: list[tuple[str, ...]], language: Language, today: date) -> str:
    """One page without outside requests; everything in it is escaped."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    return environment.from_string(_PAGE).render(
        language=language,
        title=_word("register", language),
        as_of=f"{_word('as_of', language)} {today.isoformat()}",
        count=f"{_word('count', language)}: {len(held)}",
        columns=[vi if language == "vi" else en for _, en, vi in COLUMNS],
        rows=held,
    )


_PAGE: Final = """<!DOCTYPE html>
<html lang="{{ language }}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{{ title }}</title>
<style>
body { margin: 1rem; color: #1a1a1a; background: #fff; font: 0.9rem/1.4 "Segoe UI", Roboto, "Noto Sans", Arial, sans-serif; }
h1 { font-size: 1.3rem; } p { color: #555; }
div { max-height: 85vh; overflow: auto; } div:focus-visible { outline: 3px solid #00508a; }
table { border-collapse: separate; border-spacing: 0; }
caption { padding: 0.3rem 0; text-align: left; font-weight: 600; }
th, td { padding: 0.3rem 0.5rem; border-bottom: 1px solid #c8c8c8; text-align: left; vertical-align: top; min-width: 9rem; max-width: 22rem; }
thead th { position: sticky; top: 0; z-index: 1; background: #ececec; }
tbody th { position: sticky; left: 0; background: #fff; white-space: nowrap; }
@media print { @page { size: A3 landscape; margin: 10mm; } body { font-size: 6pt; } div { overflow: visible; max-height: none; }
  th, td { min-width: 0; padding: 1pt 2pt; overflow-wrap: anywhere; } thead th, tbody th { position: static; white-space: normal; } }
</style>
</head>
<body><main>
<h1>{{ title }}</h1>
<p>{{ as_of }}. {{ count }}.</p>
<div role="region" aria-labelledby="caption" tabindex="0"><table>
<caption id="caption">{{ title }}</caption>
<thead><tr>{% for column in columns %}<th scope="col">{{ column }}</th>{% endfor %}</tr></thead>
<tbody>
{% for row in rows %}<tr>{% for value in row %}{% if loop.first %}<th scope="row">{{ value }}</th>{% else %}<td>{{ value }}</td>{% endif %}{% endfor %}</tr>
{% endfor %}
</tbody></table></div>
</main></body>
</html>
"""  # noqa: E501
