"""Words of public services by group of procedures."""

from __future__ import annotations

from typing import Final

WORDS: Final[dict[str, tuple[str, str]]] = {
    "caption.procedures": ("Dossiers by group of procedures", "Tình hình giải quyết hồ sơ theo nhóm thủ tục"),
    "sheet.procedures": ("Groups of procedures", "Nhóm thủ tục"),
    "procedures.all": ("All procedures", "Toàn bộ thủ tục"),
    "procedures.other": ("Other procedures", "Thủ tục khác"),
    "procedures.note": (
        "“Decided” are dossiers of which it was decided in the period whether they are on time; those that "
        "are past their last day and still open are among them. Mean handling time is in working days, "
        "without what was waited for applicants. The group with the lowest share on time comes first.",
        "“Đã xét hạn” là hồ sơ đã xác định được đúng hạn hay quá hạn trong kỳ, kể cả hồ sơ quá hạn chưa giải "
        "quyết xong. Thời gian giải quyết trung bình tính bằng ngày làm việc, không tính thời gian chờ bổ "
        "sung hồ sơ. Nhóm có tỷ lệ đúng hạn thấp nhất xếp trước.",
    ),
    "column.procedures": ("Group of procedures", "Nhóm thủ tục"),
    "column.decided": ("Decided", "Đã xét hạn"),
    "column.on_time_share": ("Share on time", "Tỷ lệ đúng hạn"),
    "column.handling": ("Mean days", "Số ngày trung bình"),
    "column.filed_online": ("Filed online", "Nộp trực tuyến"),
    "column.paid_online": ("Paid online", "Thanh toán trực tuyến"),
    "column.satisfied": ("Satisfied", "Hài lòng"),
    "figure.received": ("Received", "Tiếp nhận"),
    "figure.completed": ("Completed", "Đã giải quyết"),
    "figure.on_time": ("On time", "Đúng hạn"),
    "figure.handled": ("Dossiers with a handling time", "Hồ sơ có thời gian giải quyết"),
    "figure.handling_days": ("Working days of handling", "Số ngày làm việc giải quyết hồ sơ"),
    "reason.none_completed": ("none completed", "chưa giải quyết xong hồ sơ nào"),
    "reason.none_decided": (
        "of none it was decided in the period",
        "trong kỳ không có hồ sơ xét được hạn",
    ),
}  # fmt: skip
