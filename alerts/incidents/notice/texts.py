"""The notice's own words, in English and Vietnamese."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from alerts.incidents.words import Words

TEXTS: Final[Mapping[str, Words]] = {
    "title": Words(
        "Notice of an incident that concerns personal data",
        "Thông báo sự cố xâm phạm dữ liệu cá nhân",
    ),
    "draft": Words("Draft", "Dự thảo"),
    "draft_note": Words(
        "Filled in by the data-sharing monitor at {now}. Read, complete and approve it before it is sent.",
        "Do hệ thống giám sát chia sẻ dữ liệu soạn lúc {now}. "
        "Cần rà soát, bổ sung và phê duyệt trước khi gửi.",
    ),
    "basis": Words(
        "Law 91/2025 on the protection of personal data, in force since 1 January 2026: a breach is notified "
        "within 72 hours of its detection.",
        "Luật số 91/2025 về bảo vệ dữ liệu cá nhân, có hiệu lực từ ngày 01 tháng 01 năm 2026: "
        "hành vi vi phạm phải được thông báo trong vòng 72 giờ kể từ khi phát hiện.",
    ),
    "template_note": Words(
        "The order and names of the sections are this program's template, not an official form: compare them "
        "with the form in force.",
        "Bố cục và tên các mục là mẫu gợi ý của hệ thống, không phải biểu mẫu chính thức: "
        "cần đối chiếu với biểu mẫu hiện hành.",
    ),
    "missing_none": Words(
        "Nothing is missing. Read every line before you sign.",
        "Không còn mục nào thiếu. Đọc lại từng dòng trước khi ký.",
    ),
    "missing_some": Words("Still missing: {count}", "Còn thiếu: {count} mục"),
    "missing": Words("to be completed", "cần bổ sung"),
    "none": Words("none named", "chưa ghi nhận"),
    "state": Words("", "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM"),
    "motto": Words("", "Độc lập - Tự do - Hạnh phúc"),
    "number": Words("No. ……………", "Số: ……/……"),
    "place_and_date": Words("…………… , …… / …… / {year}", "……………, ngày …… tháng …… năm {year}"),
    "to": Words("To", "Kính gửi"),
    "signature": Words("Position of the signatory", "Chức vụ của người ký"),
    "signature_hint": Words("(signature and seal)", "(ký và đóng dấu)"),
    # Sections
    "s_incident": Words("The incident", "Thông tin chung về sự cố"),
    "s_time": Words("Times", "Thời gian"),
    "s_nature": Words("What happened", "Diễn biến và nguyên nhân"),
    "s_data": Words("The data concerned", "Dữ liệu bị ảnh hưởng"),
    "s_consequences": Words("Consequences", "Hậu quả"),
    "s_measures": Words("Measures", "Biện pháp xử lý"),
    "s_contact": Words("Contact point", "Đầu mối liên hệ"),
    "s_informed": Words("Who has been told", "Thông tin đến các bên liên quan"),
    "s_references": Words("Records to look up", "Hồ sơ tra cứu"),
    # Items
    "id": Words("Number of the incident", "Mã sự cố"),
    "agency": Words("Agency", "Cơ quan"),
    "tier": Words("Tier", "Mức độ"),
    "tier_value": Words("{number} of 5, {name}. {meaning}", "Cấp {number}/5, {name}. {meaning}"),
    "kind": Words("How it became known", "Nguồn ghi nhận"),
    "status": Words("Where it stands", "Tình trạng"),
    "detected_at": Words("Detected", "Thời điểm phát hiện"),
    "due_at": Words("Notice due", "Hạn thông báo"),
    "clock": Words("Time left", "Thời gian còn lại"),
    "clock_left": Words("{time}", "{time}"),
    "clock_over": Words("overdue by {time}", "đã quá hạn {time}"),
    "notified_at": Words("Notified", "Thời điểm thông báo"),
    "notified_late": Words("{time}, {late} after it was due", "{time}, chậm {late} so với hạn"),
    "reference": Words("Reference of the notice", "Số hiệu văn bản thông báo"),
    "delay_reason": Words("Reason for the delay", "Lý do chậm thông báo"),
    "what": Words("Nature of the incident", "Mô tả sự cố"),
    "cause": Words("Cause", "Nguyên nhân"),
    "personal_data": Words("Personal data concerned", "Liên quan đến dữ liệu cá nhân"),
    "class": Words("Class of the data", "Loại dữ liệu"),
    "categories": Words("Categories of data", "Các trường dữ liệu"),
    "records": Words("Number of records", "Số lượng bản ghi"),
    "persons": Words("Number of persons concerned", "Số lượng chủ thể dữ liệu bị ảnh hưởng"),
    "services": Words("Services", "Dịch vụ chia sẻ dữ liệu"),
    "agreements": Words("Agreements", "Thỏa thuận chia sẻ dữ liệu"),
    "consequences": Words("Consequences, known and likely", "Hậu quả đã xảy ra và có thể xảy ra"),
    "measures_taken": Words("Measures taken", "Biện pháp đã thực hiện"),
    "measures_planned": Words("Measures planned", "Biện pháp sẽ thực hiện"),
    "contact": Words("Unit or role in charge", "Đơn vị hoặc chức danh phụ trách"),
    "mailbox": Words("Mailbox of the agency", "Hộp thư của cơ quan"),
    "recipient": Words("authority that is notified", "cơ quan tiếp nhận thông báo"),
    "informed": Words("Agencies informed", "Các cơ quan đã được thông tin"),
    "subjects_informed": Words("Persons concerned informed", "Việc thông tin đến chủ thể dữ liệu"),
    "alerts": Words("Alerts", "Cảnh báo"),
    "events": Words("Events", "Sự kiện"),
    "class_none": Words("no personal data", "không phải dữ liệu cá nhân"),
    "class_basic": Words("basic personal data", "dữ liệu cá nhân cơ bản"),
    "class_sensitive": Words("sensitive personal data", "dữ liệu cá nhân nhạy cảm"),
}
