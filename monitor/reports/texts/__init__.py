"""Words, sentences, numbers and dates of reports, in Vietnamese and English.

texts = Texts("vi", zone)
texts("section.volume")              # a message of the catalogue
texts("summary.volume", exchanges=12_345, period=Text(...))
texts.number(1234567.8, 1)           # 1.234.567,8
texts.percent(indicator.ratio)       # 99,3%
"""

from __future__ import annotations

from monitor.reports.texts.speaking import Texts, both

__all__ = ["Texts", "both"]
