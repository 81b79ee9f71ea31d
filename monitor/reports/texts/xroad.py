"""Words of the section on X-Road: halves of calls, causes of failure, measures."""

from __future__ import annotations

from typing import Final

WORDS: Final[dict[str, tuple[str, str]]] = {
    "section.xroad": ("Calls over X-Road", "Lời gọi qua X-Road"),
    "caption.xroad_services": ("Calls over X-Road by service", "Lời gọi qua X-Road theo dịch vụ"),
    "caption.xroad_causes": ("Failed calls by cause", "Lời gọi thất bại theo nguyên nhân"),
    "caption.xroad_measures": (
        "Where time went, and how large messages were",
        "Thời gian qua từng chặng và kích thước thông điệp",
    ),
    "caption.xroad_pairs": (
        "Time and size of calls by service and partner",
        "Thời gian và kích thước lời gọi theo dịch vụ và cơ quan khai thác",
    ),
    "caption.xroad_records": ("What the records are like", "Tình trạng bản ghi của máy chủ an toàn"),
    "caption.xroad_all_measures": (
        "Every measure by service and partner",
        "Toàn bộ số đo theo dịch vụ và cơ quan khai thác",
    ),
    "caption.xroad_all_pairs": (
        "Causes of failures by service and partner",
        "Nguyên nhân thất bại theo dịch vụ và cơ quan khai thác",
    ),
    "sheet.xroad_services": ("X-Road services", "X-Road theo dịch vụ"),
    "sheet.xroad_causes": ("X-Road causes", "X-Road nguyên nhân"),
    "sheet.xroad_measures": ("X-Road measures", "X-Road số đo"),
    "sheet.xroad_pairs": ("X-Road pairs", "X-Road theo cặp"),
    "sheet.xroad_records": ("X-Road records", "X-Road bản ghi"),
    "sheet.xroad_all_measures": ("X-Road all measures", "X-Road mọi số đo"),
    "sheet.xroad_all_pairs": ("X-Road all pairs", "X-Road mọi cặp"),
    "figure.calls": ("Calls", "Lời gọi"),
    "figure.both_halves": ("Both halves", "Đủ hai phía"),
    "figure.client_only": ("Consumer's half only", "Chỉ có phía khai thác"),
    "figure.producer_only": ("Provider's half only", "Chỉ có phía cung cấp"),
    "figure.succeeded": ("Succeeded", "Thành công"),
    "figure.flagged": ("Left out", "Bị loại"),
    "figure.smallest": ("Smallest", "Nhỏ nhất"),
    "figure.largest": ("Largest", "Lớn nhất"),
    "figure.ambiguous": ("Could be of several calls", "Không xác định được lời gọi"),
    "figure.identities_differ": ("Halves name different parties", "Hai phía ghi khác bên tham gia"),
    "figure.network_flagged": ("Negative time over the network", "Thời gian mạng bị âm"),
    "column.one_side": ("Seen from one side", "Chỉ một phía ghi nhận"),
    "column.measure": ("Measure", "Số đo"),
    "column.cause": ("Cause", "Nguyên nhân"),
    "column.share_of_calls": ("Of all calls", "Trên tổng số lời gọi"),
    "column.mean_time": ("Mean time", "Thời gian trung bình"),
    "column.longest_time": ("Longest time", "Thời gian dài nhất"),
    "column.mean_request": ("Mean request", "Yêu cầu trung bình"),
    "column.mean_answer": ("Mean answer", "Trả lời trung bình"),
    "column.largest_answer": ("Largest answer", "Trả lời lớn nhất"),
    "xroad_cause.denied": ("refused", "bị từ chối"),
    "xroad_cause.unknown_service": ("no such service or member", "không có dịch vụ hoặc thành viên"),
    "xroad_cause.timeout": ("timed out", "quá thời gian"),
    "xroad_cause.certificate": ("certificate", "chứng thư số"),
    "xroad_cause.signature": ("signature", "chữ ký số"),
    "xroad_cause.schema": ("message not as described", "thông điệp sai cấu trúc"),
    "xroad_cause.overload": ("overload or maintenance", "quá tải hoặc bảo trì"),
    "xroad_cause.other": ("other", "nguyên nhân khác"),
    "xroad_measure.total": (
        "Whole call, at the consumer's server",
        "Toàn bộ lời gọi, tại máy chủ bên khai thác",
    ),
    "xroad_measure.client_request": (
        "Request within the consumer's server",
        "Xử lý yêu cầu tại máy chủ bên khai thác",
    ),
    "xroad_measure.client_response": (
        "Answer within the consumer's server",
        "Xử lý trả lời tại máy chủ bên khai thác",
    ),
    "xroad_measure.network_out": ("Network, to the provider", "Đường truyền, chiều đi"),
    "xroad_measure.network_back": ("Network, back", "Đường truyền, chiều về"),
    "xroad_measure.network": ("Network, both ways", "Đường truyền, cả hai chiều"),
    "xroad_measure.producer_total": (
        "Whole call, at the provider's server",
        "Toàn bộ lời gọi, tại máy chủ bên cung cấp",
    ),
    "xroad_measure.producer_request": (
        "Request within the provider's server",
        "Xử lý yêu cầu tại máy chủ bên cung cấp",
    ),
    "xroad_measure.producer_response": (
        "Answer within the provider's server",
        "Xử lý trả lời tại máy chủ bên cung cấp",
    ),
    "xroad_measure.service": ("The service itself", "Bản thân dịch vụ"),
    "xroad_measure.request_bytes": ("Size of the request", "Kích thước yêu cầu"),
    "xroad_measure.response_bytes": ("Size of the answer", "Kích thước trả lời"),
}  # fmt: skip
