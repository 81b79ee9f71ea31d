"""What the clauses of agreements are called."""

from __future__ import annotations

from typing import Final

WORDS: Final[dict[str, tuple[str, str]]] = {
    "clause.purposes": ("purposes", "mục đích"),
    "clause.fields": ("fields", "trường dữ liệu"),
    "clause.hours": ("hours of use", "giờ khai thác"),
    "clause.ceilings.calls_per_day": ("calls a day", "số lượt gọi mỗi ngày"),
    "clause.ceilings.records_per_call": ("records a call", "số bản ghi mỗi lượt"),
    "clause.case_required": ("case required", "yêu cầu nêu hồ sơ"),
    "clause.signature_required": ("signature required", "yêu cầu ký số"),
    "clause.start": ("start", "ngày có hiệu lực"),
    "clause.end": ("end", "ngày hết hiệu lực"),
    "clause.ended": ("ended early", "chấm dứt trước hạn"),
    "clause.status": ("status", "trạng thái"),
    "clause.dates.review": ("review date", "ngày rà soát"),
    "clause.dates.signed": ("date of signature", "ngày ký"),
    "clause.dates.registered": ("date of registration", "ngày đăng ký"),
    "clause.procedures": ("procedures that it serves", "thủ tục hành chính được phục vụ"),
    "clause.objectives.availability": ("availability", "độ sẵn sàng"),
    "clause.objectives.latency": ("response time", "thời gian trả lời"),
    "clause.objectives.errorRate": ("error rate", "tỷ lệ lỗi"),
    "clause.objectives.frequency": ("freshness of data", "chu kỳ cập nhật"),
    "clause.objectives.retention": ("retention at the consumer", "thời hạn lưu giữ tại bên khai thác"),
    "clause.objectives.timeToNotify": ("time to notify of a fault", "thời hạn thông báo sự cố"),
    "clause.allowed_systems": ("permitted systems or certificates", "hệ thống, chứng thư được phép"),
    "clause.security_level": ("security level", "cấp độ an toàn"),
    "clause.onward_sharing": ("onward sharing", "chia sẻ tiếp cho bên thứ ba"),
    "clause.impact_assessment": ("impact assessment", "đánh giá tác động"),
    "clause.security_clearance": ("security clearance", "chấp thuận an toàn thông tin"),
}
