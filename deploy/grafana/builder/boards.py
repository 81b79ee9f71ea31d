"""All dashboards, in the order in which people go down through them."""

from __future__ import annotations

from typing import Final

from deploy.grafana.builder import agency, agreement, duties, national, pipeline, security, service
from deploy.grafana.builder.board import Board

BOARDS: Final[tuple[Board, ...]] = (
    national.BOARD,
    agency.BOARD,
    service.BOARD,
    agreement.BOARD,
    security.BOARD,
    duties.BOARD,
    pipeline.BOARD,
)
