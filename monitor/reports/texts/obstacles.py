"""Obstacles in the form of the six "clear": what is to be done, on whose authority, with what result."""

from __future__ import annotations

from typing import Final

WORDS: Final[dict[str, tuple[str, str]]] = {
    "obstacle.connect.work": (
        "Connect to the platform and be security-cleared",
        "Kết nối nền tảng và được đánh giá an toàn thông tin",
    ),
    "obstacle.connect.result": (
        "The connection is live and security-cleared",
        "Kết nối hoạt động chính thức, đã được đánh giá an toàn thông tin",
    ),
    "obstacle.freshness.work": (
        "Synchronise {subject} as often as agreed",
        "Đồng bộ dữ liệu {subject} đúng chu kỳ đã thỏa thuận",
    ),
    "obstacle.freshness.result": (
        "The data is as fresh as agreed",
        "Dữ liệu được cập nhật đúng chu kỳ thỏa thuận",
    ),
    "obstacle.review.work": ("Review agreement {subject}", "Rà soát thỏa thuận {subject}"),
    "obstacle.review.result": (
        "The agreement is reviewed and has a next date",
        "Thỏa thuận đã rà soát, xác định ngày rà soát tiếp theo",
    ),
    "obstacle.expiry.work": (
        "Renew agreement {subject}, or stop using the data",
        "Gia hạn thỏa thuận {subject} hoặc dừng khai thác dữ liệu",
    ),
    "obstacle.expiry.result": (
        "An agreement is in force, or no exchange takes place",
        "Có thỏa thuận còn hiệu lực hoặc không phát sinh lượt khai thác",
    ),
    "obstacle.default_list_review.work": (
        "Review the list of data shared by default",
        "Rà soát danh mục dữ liệu chia sẻ mặc định",
    ),
    "obstacle.default_list_review.result": (
        "The list is reviewed and published",
        "Danh mục đã rà soát và công bố",
    ),
    "obstacle.answer.work": ("Answer request {subject}", "Trả lời yêu cầu {subject}"),
    "obstacle.answer.result": ("The request is answered", "Yêu cầu đã được trả lời"),
    "obstacle.availability.work": (
        "Raise the availability of {subject}: {share} attained, {objective} agreed, in {agreements} "
        "agreement{agreements:|s}",
        "Nâng độ sẵn sàng của {subject}: đạt {share}, thỏa thuận {objective}, tại {agreements} thỏa thuận",
    ),
    "obstacle.availability.result": (
        "Availability is as agreed over the next period",
        "Độ sẵn sàng đạt mức thỏa thuận trong kỳ tới",
    ),
    "obstacle.latency.work": (
        "Answer {subject} as fast as agreed: {share} within the limit, {objective} agreed, in {agreements} "
        "agreement{agreements:|s}",
        "Rút ngắn thời gian trả lời của {subject}: {share} số lượt trong giới hạn, thỏa thuận {objective}, "
        "tại {agreements} thỏa thuận",
    ),
    "obstacle.latency.result": (
        "Response times are as agreed over the next period",
        "Thời gian trả lời đạt mức thỏa thuận trong kỳ tới",
    ),
    "obstacle.error_rate.work": (
        "Reduce failures of {subject}: {share} without failure, {objective} agreed, in {agreements} "
        "agreement{agreements:|s}",
        "Giảm tỷ lệ lỗi của {subject}: {share} số lượt không lỗi, thỏa thuận {objective}, tại {agreements} "
        "thỏa thuận",
    ),
    "obstacle.error_rate.result": (
        "Failures are as few as agreed over the next period",
        "Tỷ lệ lỗi không vượt mức thỏa thuận trong kỳ tới",
    ),
    "responsibility.connect": (
        "The unit in charge of digital transformation",
        "Đơn vị chuyên trách chuyển đổi số",
    ),
    "responsibility.agreement": (
        "The unit that holds the agreement",
        "Đơn vị chủ trì thỏa thuận",
    ),
    "responsibility.answer": ("The unit that was asked", "Đơn vị được yêu cầu"),
    "responsibility.operation": ("The unit that runs the service", "Đơn vị vận hành dịch vụ"),
    "authority.ministry": ("The minister", "Bộ trưởng"),
    "authority.ministry-level": ("The head of the agency", "Thủ trưởng cơ quan ngang bộ"),
    "authority.government-agency": (
        "The head of the agency",
        "Thủ trưởng cơ quan thuộc Chính phủ",
    ),
    "authority.province": (
        "The chair of the provincial People's Committee",
        "Chủ tịch Ủy ban nhân dân cấp tỉnh",
    ),
    "authority.party-assembly": ("The head of the body", "Người đứng đầu cơ quan"),
    "authority.other": ("The head of the body", "Người đứng đầu cơ quan"),
    "time.was_due": ("was due on {day}", "đã đến hạn ngày {day}"),
    "time.by": ("by {day}", "trước ngày {day}"),
    "time.not_known": ("to be set", "chưa xác định"),
}
