"""Drawing of SVG: shapes and escaped texts; the same data give the same file."""

from __future__ import annotations

import re
from html import escape
from typing import Final, Literal

INK: Final = "#1a1a1a"
QUIET: Final = "#555555"  # 7.5 to 1 on white
LINE: Final = "#c8c8c8"
# Of Okabe and Ito's palette, which people with any colour vision tell apart; in order of use.
BLUE: Final = "#0072B2"
ORANGE: Final = "#E69F00"
VERMILION: Final = "#D55E00"
GREEN: Final = "#009E73"
SKY: Final = "#56B4E9"
PURPLE: Final = "#CC79A7"
GREY: Final = "#8c8c8c"

FONTS: Final = (
    "'IBM Plex Sans', 'IBM Plex Sans Condensed', 'Segoe UI', Roboto, 'Noto Sans', Arial, sans-serif"
)
SIZE: Final = 11.0
# Mean advance of a letter in ems: that of wide system fonts, so that labels fit wherever it is shown.
_ADVANCE: Final = 0.56

Anchor = Literal["start", "middle", "end"]


# What XML cannot hold, not even escaped.
_UNPRINTABLE: Final = re.compile(r"[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def printable(text: str) -> str:
    """Text without control characters, which neither XML nor a page can hold; U+FFFD is in their place."""
    return _UNPRINTABLE.sub("\ufffd", text)


def xml(text: str) -> str:
    """Text as XML holds it, between tags and in attributes."""
    return escape(printable(text))


def text_width(text: str, size: float = SIZE) -> float:
    """About how wide a text is, rather more than less."""
    return len(text) * _ADVANCE * size


def shortened(text: str, room: float, size: float = SIZE) -> str:
    """The text, cut with an ellipsis where it does not fit."""
    most = max(3, int(room / (_ADVANCE * size)))
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def number(value: float) -> str:
    """A coordinate, to a hundredth."""
    return f"{value:.2f}".rstrip("0").rstrip(".") or "0"


class Canvas:
    """A drawing that grows downwards; `name` prefixes what it defines."""

    def __init__(self, width: float, height: float, title: str, description: str, name: str) -> None:
        self.width = width
        self.height = height
        self.title = title
        self.description = description
        self.name = name
        self._parts: list[str] = []
        self._patterns: dict[str, str] = {}

    def rect(self, x: float, y: float, width: float, height: float, fill: str, *, edge: str = "") -> None:
        """A rectangle."""
        border = f' stroke="{edge}" stroke-width="0.75"' if edge else ""
        self._parts.append(
            f'<rect x="{number(x)}" y="{number(y)}" width="{number(max(width, 0))}" '
            f'height="{number(max(height, 0))}" fill="{fill}"{border}/>'
        )

    def line(
        self,
        x1: float,
        y1: float,
        x2: float,
        y2: float,
        stroke: str = LINE,
        width: float = 0.75,
        dash: str = "",
    ) -> None:
        """A straight line."""
        dashes = f' stroke-dasharray="{dash}"' if dash else ""
        self._parts.append(
            f'<line x1="{number(x1)}" y1="{number(y1)}" x2="{number(x2)}" y2="{number(y2)}" '
            f'stroke="{stroke}" stroke-width="{number(width)}"{dashes}/>'
        )

    def path(
        self, points: list[tuple[float, float]], stroke: str, width: float = 1.75, dash: str = ""
    ) -> None:
        """A line through points."""
        if not points:
            return
        way = "M" + "L".join(f"{number(x)} {number(y)}" for x, y in points)
        dashes = f' stroke-dasharray="{dash}"' if dash else ""
        self._parts.append(
            f'<path d="{way}" fill="none" stroke="{stroke}" stroke-width="{number(width)}" '
            f'stroke-linejoin="round" stroke-linecap="butt"{dashes}/>'
        )

    def mark(self, shape: str, x: float, y: float, size: float, fill: str) -> None:
        """A mark: circle, square, triangle or diamond, so that print without colour tells them apart."""
        match shape:
            case "circle":
                self._parts.append(
                    f'<circle cx="{number(x)}" cy="{number(y)}" r="{number(size)}" fill="{fill}"/>'
                )
            case "square":
                self.rect(x - size, y - size, 2 * size, 2 * size, fill)
            case "triangle":
                self._polygon(
                    [(x, y - size * 1.2), (x + size * 1.1, y + size), (x - size * 1.1, y + size)], fill
                )
            case _:
                reach = size * 1.3
                self._polygon([(x, y - reach), (x + reach, y), (x, y + reach), (x - reach, y)], fill)

    def _polygon(self, points: list[tuple[float, float]], fill: str) -> None:
        way = " ".join(f"{number(x)},{number(y)}" for x, y in points)
        self._parts.append(f'<polygon points="{way}" fill="{fill}"/>')

    def text(
        self,
        x: float,
        y: float,
        text: str,
        *,
        anchor: Anchor = "start",
        size: float = SIZE,
        fill: str = INK,
        bold: bool = False,
    ) -> None:
        """A text whose baseline is at y."""
        weight = ' font-weight="600"' if bold else ""
        place = "" if anchor == "start" else f' text-anchor="{anchor}"'
        self._parts.append(
            f'<text x="{number(x)}" y="{number(y)}" font-size="{number(size)}" fill="{fill}"{place}{weight}>'
            f"{xml(text)}</text>"
        )

    def hatch(self, colour: str, kind: Literal["diagonal", "dots", "cross"]) -> str:
        """A fill that can be told from others without colour; returns what to give as `fill`."""
        name = f"{self.name}-{kind}"
        shapes = {
            "diagonal": '<path d="M-1 5L5 -1M-1 1L1 -1M3 5L5 3" stroke="#fff" stroke-width="1.1"/>',
            "dots": '<circle cx="2" cy="2" r="1" fill="#fff"/>',
            "cross": '<path d="M0 0L4 4M4 0L0 4" stroke="#fff" stroke-width="0.7"/>',
        }
        self._patterns[name] = (
            f'<pattern id="{xml(name)}" width="4" height="4" patternUnits="userSpaceOnUse">'
            f'<rect width="4" height="4" fill="{colour}"/>{shapes[kind]}</pattern>'
        )
        return f"url(#{name})"

    def done(self) -> str:
        """The drawing as SVG, which stands alone and can be put into a page."""
        defined = f"<defs>{''.join(self._patterns.values())}</defs>" if self._patterns else ""
        name = xml(self.name)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" '
            f'viewBox="0 0 {number(self.width)} {number(self.height)}" '
            f'width="{number(self.width)}" height="{number(self.height)}" role="img" '
            f'aria-labelledby="{name}-t {name}-d" font-family="{FONTS}" font-stretch="condensed">'
            f'<title id="{name}-t">{xml(self.title)}</title>'
            f'<desc id="{name}-d">{xml(self.description)}</desc>'
            f"{defined}{''.join(self._parts)}</svg>"
        )
