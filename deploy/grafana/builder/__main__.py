"""Writes deploy/grafana/dashboards/: `python -m deploy.grafana.builder`, from the project's folder."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from deploy.grafana.builder.board import files
from deploy.grafana.builder.boards import BOARDS
from deploy.grafana.builder.words import LANGUAGES

FOLDER: Final = Path(__file__).resolve().parents[1] / "dashboards"


def main() -> None:
    """Write every dashboard, and take away what no longer is one."""
    FOLDER.mkdir(exist_ok=True)
    wanted = files(BOARDS, LANGUAGES)
    for path in FOLDER.glob("*.json"):
        if path.name not in wanted:
            path.unlink()
    for name, text in wanted.items():
        (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
