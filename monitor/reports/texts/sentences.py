"""Sentences with numbers in them: the summary, notes, obstacles, what comes, what became better or worse."""

from __future__ import annotations

from typing import Final

WORDS: Final[dict[str, tuple[str, str]]] = {
    # Summary
    "summary.volume": (
        "In {period}, {agencies} {agencies:agency|agencies} made {exchanges} exchange{exchanges:|s} over "
        "{services} service{services:|s}.",
        "Trong {period}, {agencies} cơ quan đã thực hiện {exchanges} lượt chia sẻ dữ liệu qua "
        "{services} dịch vụ.",
    ),
    "summary.nothing": (
        "There were no exchanges in {period}.",
        "Trong {period} không phát sinh lượt chia sẻ dữ liệu nào.",
    ),
    "summary.agency": (
        "In {period}, {agency} was asked {provided} {provided:time|times} and asked others {consumed} "
        "{consumed:time|times}.",
        "Trong {period}, {agency} được khai thác {provided} lượt và khai thác của cơ quan khác "
        "{consumed} lượt.",
    ),
    "summary.before": (
        "That is {change:change} against {before}, which had {count} exchange{count:|s}.",
        "So với {before} ({count} lượt), thay đổi {change:change}.",
    ),
    "summary.year_ago": (
        "Against {year_ago}, which had {count}, it is {change:change}.",
        "So với cùng kỳ năm trước ({count} lượt trong {year_ago}), thay đổi {change:change}.",
    ),
    "summary.rank": (
        "By volume provided it ranks {rank} of {ranked}; before, {rank_before}.",
        "Về khối lượng cung cấp, xếp hạng {rank}/{ranked}; kỳ trước hạng {rank_before}.",
    ),
    "summary.rank_new": (
        "By volume provided it ranks {rank} of {ranked}.",
        "Về khối lượng cung cấp, xếp hạng {rank}/{ranked}.",
    ),
    "summary.not_connected": (
        "It is not connected, and therefore not scored.",
        "Cơ quan chưa kết nối nên không chấm điểm.",
    ),
    "summary.quality": (
        "Of the exchanges that were answered or failed, {availability} were answered; half took {p50:ms} or "
        "less, 95% {p95:ms} or less, 99% {p99:ms} or less.",
        "Tỷ lệ trả lời thành công đạt {availability}; một nửa số lượt mất không quá {p50:ms}, 95% không quá "
        "{p95:ms}, 99% không quá {p99:ms}.",
    ),
    "summary.objectives": (
        "Of {scored} measured objective{scored:|s} of service quality, {kept} {kept:was|were} kept; "
        "{unmeasured} could not be measured.",
        "Đạt {kept}/{scored} mục tiêu chất lượng dịch vụ đo được; {unmeasured} mục tiêu không đo được do "
        "không phát sinh lượt chia sẻ.",
    ),
    "summary.compliance": (
        "An agreement permitted {share} of the exchanges that could be judged; {breached} "
        "exchange{breached:|s} had a breach.",
        "{share} số lượt chia sẻ xét được có thỏa thuận cho phép; {breached} lượt có vi phạm.",
    ),
    "summary.breach": (
        "The most frequent breach was: {breach} ({count}).",
        "Vi phạm nhiều nhất: {breach} ({count} lượt).",
    ),
    "summary.duties": (
        "Of {total} {total:duty|duties}, {overdue} {overdue:is|are} overdue at the end of the period.",
        "{overdue}/{total} nghĩa vụ quá hạn tại thời điểm cuối kỳ.",
    ),
    "summary.alerts": (
        "{opened} alert{opened:|s} opened, {grave} of them high or critical; {open_} {open_:is|are} open at "
        "the end.",
        "Phát sinh {opened} cảnh báo, trong đó {grave} cảnh báo mức cao hoặc nghiêm trọng; cuối kỳ còn "
        "{open_} cảnh báo chưa xử lý xong.",
    ),
    "summary.notices": (
        "Of {due} notice{due:|s} of incidents that {due:was|were} due, {kept} {kept:was|were} given within "
        "72 hours.",
        "{kept}/{due} sự cố đến hạn đã được thông báo trong thời hạn 72 giờ.",
    ),
    "summary.connection": (
        "Of {bound} {bound:agency|agencies} that must connect, {live} {live:is|are} live and "
        "security-cleared, with {days} day{days:|s} left to the deadline of {deadline}.",
        "{live}/{bound} cơ quan thuộc diện phải kết nối đã hoạt động và được đánh giá an toàn; còn {days} "
        "ngày đến thời hạn {deadline}.",
    ),
    "summary.connection_after": (
        "Of {bound} {bound:agency|agencies} that had to connect by {deadline}, {live} {live:is|are} live and "
        "security-cleared.",
        "{live}/{bound} cơ quan thuộc diện phải kết nối trước thời hạn {deadline} đã hoạt động và được "
        "đánh giá an toàn.",
    ),
    # Notes
    "note.exact": (
        "All counts are exact. Percentiles are estimates from histograms, within {error} of the value of "
        "their rank; the ledger keeps sums of sizes, so that only their means are known.",
        "Mọi số đếm đều chính xác. Các phân vị là ước lượng từ biểu đồ phân bố, sai lệch không quá {error} "
        "so với giá trị đúng thứ hạng; sổ cái chỉ lưu tổng dung lượng nên chỉ tính được trung bình.",
    ),
    "note.to_date": (
        "The period is still running: figures are up to {until}, and are compared with as many hours of the "
        "other periods.",
        "Kỳ báo cáo chưa kết thúc: số liệu tính đến {until} và được so sánh với số giờ tương ứng của "
        "các kỳ khác.",
    ),
    "note.ledger_from": (
        "The ledger begins at {begins}: what was exchanged in {period} before that is in no figure.",
        "Sổ cái bắt đầu từ {begins}: các lượt chia sẻ trước đó trong {period} không có trong số liệu.",
    ),
    "note.nothing_before": (
        "There is nothing to compare with {period}: the ledger does not reach back to it.",
        "Không có số liệu {period} để so sánh: sổ cái chưa có dữ liệu của kỳ này.",
    ),
    "note.newest": (
        "The newest event that was read is of {newest}: what came later is in no figure.",
        "Sự kiện mới nhất được ghi nhận vào {newest}: những gì đến sau chưa có trong số liệu.",
    ),
    "note.unregistered": (
        "{count} exchange{count:|s} named an agency or a service that the registry does not hold: in the "
        "totals, but in no agency's figures.",
        "{count} lượt chia sẻ nêu tên cơ quan hoặc dịch vụ chưa có trong sổ đăng ký: được tính vào tổng số "
        "nhưng không tính cho cơ quan nào.",
    ),
    "note.composite": (
        "The weights of the composite score ({weights}) are set by the operator; no act sets them.",
        "Trọng số của điểm tổng hợp ({weights}) do đơn vị vận hành đặt ra, không do văn bản nào quy định.",
    ),
    "note.duties": (
        "Limits of duties are those of the configuration; several of them stand in for rules that no act in "
        "force sets.",
        "Thời hạn của các nghĩa vụ lấy theo cấu hình; một số thời hạn là tạm thời do chưa có văn bản "
        "quy định.",
    ),
    "note.registry": (
        "Agencies, services and agreements are those of the registry at the time of writing.",
        "Cơ quan, dịch vụ và thỏa thuận theo sổ đăng ký tại thời điểm lập báo cáo.",
    ),
    "note.unread": (
        "{count} lifecycle event{count:|s}, the oldest, {count:was|were} not read: there are too many.",
        "{count} sự kiện vòng đời cũ nhất không được đọc do số lượng quá lớn.",
    ),
    "note.risk_from": (
        "Detections from before {moment} are no longer kept: risk is told from what came after.",
        "Các phát hiện trước {moment} không còn được lưu: điểm rủi ro tính từ sau thời điểm đó.",
    ),
    "note.no_risk": (
        "Detections of the period are no longer kept: nothing is said of risk.",
        "Các phát hiện trong kỳ không còn được lưu nên không có số liệu về rủi ro.",
    ),
    "note.no_security": (
        "Nothing that is installed here knows of alerts and incidents.",
        "Hệ thống này không cài đặt phần quản lý cảnh báo và sự cố.",
    ),
    "note.left_out": (
        "{rows} row{rows:|s} of {table} {rows:is|are} not listed; totals hold them.",
        "{rows} dòng của bảng {table} không liệt kê; vẫn được tính trong tổng số.",
    ),
    # What comes
    "coming.review": ("Agreement {subject} is to be reviewed", "Đến hạn rà soát thỏa thuận {subject}"),
    "coming.expiry": ("Agreement {subject} ends", "Thỏa thuận {subject} hết hiệu lực"),
    "coming.connect": (
        "Must be connected and security-cleared",
        "Đến hạn kết nối và được đánh giá an toàn thông tin",
    ),
    "coming.default_list_review": (
        "The list of data shared by default is to be reviewed",
        "Đến hạn rà soát danh mục dữ liệu chia sẻ mặc định",
    ),
    "coming.answer": ("Request {subject} is to be answered", "Đến hạn trả lời yêu cầu {subject}"),
    "coming.freshness": ("{subject} is to be synchronised", "Đến hạn đồng bộ dữ liệu {subject}"),
    # What became better or worse
    "moved.indicator": (
        "{name}: {before} before, {now} now.",
        "{name}: kỳ trước {before}, kỳ này {now}.",
    ),
    "moved.service": (
        "{name} of {subject}: {before} before, {now} now.",
        "{name} của {subject}: kỳ trước {before}, kỳ này {now}.",
    ),
}  # fmt: skip
