"""The items of the index of service quality: what each is a share of, and what it is called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal, get_args

ItemKey = Literal[
    "on_time",
    "filed_online",
    "paid_online",
    "digitised",
    "reused",
    "population_database_used",
    "complaints_on_time",
    "satisfaction",
]
KEYS: tuple[ItemKey, ...] = get_args(ItemKey)
"""In the order in which they are shown."""


@dataclass(frozen=True, slots=True)
class Item:
    """The measures whose sums are an item's counts; `beside` ought to have been scored and could not be."""

    numerator: tuple[str, ...]
    denominator: tuple[str, ...]
    beside: tuple[str, ...]
    en: str
    vi: str


ITEMS: Final[Mapping[ItemKey, Item]] = MappingProxyType(
    {
        "on_time": Item(
            ("on_time",),
            ("on_time", "late", "lapsed"),
            ("unmeasured",),
            "Handled on time",
            "Giải quyết đúng hạn",
        ),
        "filed_online": Item(("online",), ("received",), (), "Filed online", "Nộp hồ sơ trực tuyến"),
        "paid_online": Item(("paid_online",), ("paid",), (), "Paid online", "Thanh toán trực tuyến"),
        "digitised": Item(("digitised",), ("completed",), (), "Digitised", "Số hóa hồ sơ, kết quả"),
        "reused": Item(
            ("reused",), ("completed",), (), "Digitised data reused", "Khai thác, sử dụng lại dữ liệu số hóa"
        ),
        "population_database_used": Item(
            ("population_database",),
            ("completed",),
            (),
            "Population database used",
            "Khai thác Cơ sở dữ liệu quốc gia về dân cư",
        ),
        "complaints_on_time": Item(
            ("complaints_on_time",),
            ("complaints_on_time", "complaints_lapsed"),
            (),
            "Complaints answered on time",
            "Trả lời phản ánh, kiến nghị đúng hạn",
        ),
        "satisfaction": Item(("satisfied",), ("rated",), (), "Satisfied applicants", "Mức độ hài lòng"),
    }
)
