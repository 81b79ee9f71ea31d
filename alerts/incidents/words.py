"""What tiers, kinds and states of incidents are called, in English and Vietnamese."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import Literal, NamedTuple

Language = Literal["vi", "en"]


class Words(NamedTuple):
    """The same text in both languages."""

    en: str
    vi: str

    def of(self, language: Language) -> str:
        """The text in one of them."""
        return self.vi if language == "vi" else self.en


class Tier(IntEnum):
    """How grave an incident is, by the numbers of OCSF's severity_id: the incident log has five tiers."""

    NEGLIGIBLE = 1
    MINOR = 2
    MODERATE = 3
    SERIOUS = 4
    EXTREME = 5


class TierWords(NamedTuple):
    """A tier's name, and how to tell that an incident belongs to it."""

    name: Words
    meaning: Words


TIERS: Mapping[Tier, TierWords] = {
    Tier.NEGLIGIBLE: TierWords(
        Words("negligible", "không đáng kể"),
        Words(
            "Nothing left the agency and no service suffered; it is kept for the record.",
            "Dữ liệu không ra khỏi cơ quan, dịch vụ không bị ảnh hưởng; ghi lại để theo dõi.",
        ),
    ),
    Tier.MINOR: TierWords(
        Words("minor", "nhẹ"),
        Words(
            "One unit is affected for a short time; no personal data are known to be concerned.",
            "Ảnh hưởng một đơn vị trong thời gian ngắn; chưa thấy liên quan đến dữ liệu cá nhân.",
        ),
    ),
    Tier.MODERATE: TierWords(
        Words("moderate", "trung bình"),
        Words(
            "A service of one agency is affected, or few records of basic personal data may be concerned.",
            "Ảnh hưởng một dịch vụ của một cơ quan, hoặc có thể liên quan đến một số ít bản ghi "
            "dữ liệu cá nhân cơ bản.",
        ),
    ),
    Tier.SERIOUS: TierWords(
        Words("serious", "nghiêm trọng"),
        Words(
            "Personal data reached somebody who may not have them, or several agencies are affected.",
            "Dữ liệu cá nhân đã đến tay bên không có thẩm quyền, hoặc nhiều cơ quan bị ảnh hưởng.",
        ),
    ),
    Tier.EXTREME: TierWords(
        Words("extremely serious", "đặc biệt nghiêm trọng"),
        Words(
            "Sensitive data or data of very many people leaked, or a national database is concerned.",
            "Lộ dữ liệu nhạy cảm hoặc dữ liệu của rất nhiều người, hoặc liên quan đến "
            "cơ sở dữ liệu quốc gia.",
        ),
    ),
}

Kind = Literal["leak_confirmed", "incident", "leak_rule", "reported"]
KINDS: Mapping[Kind, Words] = {
    "leak_confirmed": Words("confirmed leak of data", "rò rỉ dữ liệu đã được xác nhận"),
    "incident": Words("security incident", "sự cố an toàn thông tin"),
    "leak_rule": Words("suspected leak, found by a rule", "nghi ngờ rò rỉ dữ liệu, do quy tắc phát hiện"),
    "reported": Words("recorded by a desk", "do bộ phận trực ghi nhận"),
}

PersonalData = Literal["yes", "no", "unknown"]
PERSONAL_DATA: Mapping[PersonalData, Words] = {
    "yes": Words("yes", "có"),
    "no": Words("no", "không"),
    "unknown": Words("not yet known", "chưa xác định"),
}

Status = Literal["open", "notified", "closed", "not-notifiable"]
STATUSES: Mapping[Status, Words] = {
    "open": Words("open", "đang xử lý"),
    "notified": Words("notified", "đã thông báo"),
    "closed": Words("closed", "đã đóng"),
    "not-notifiable": Words("not notifiable", "không thuộc diện phải thông báo"),
}
UNSETTLED: tuple[Status, ...] = ("open", "notified")  # what a desk still has to work on
