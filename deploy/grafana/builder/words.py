"""What dashboards say, in English and Vietnamese: read from `texts/*.yaml`, each text in both."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, Final, Literal, get_args

import yaml

Language = Literal["en", "vi"]
LANGUAGES: Final[tuple[Language, ...]] = get_args(Language)
FOLDER: Final = Path(__file__).resolve().parent / "texts"
SHARED: Final = "shared"
# Before what a panel asks for when its colour says that something is wrong.
_WHEN_RED: Final[dict[Language, str]] = {"en": "When it is red", "vi": "Khi chuyển đỏ"}


class NoSuchText(LookupError):
    """A dashboard asks for a text that its file of words lacks; the message names file, key and language."""


class Words:
    """The texts of one dashboard in one language; what its own file lacks is looked up in the shared one.

    `used` collects the keys that were asked for, so that a test can find texts that nothing shows.
    """

    def __init__(self, board: str, language: Language) -> None:
        self.board, self.language = board, language
        self.used: set[tuple[str, str]] = set()

    def __call__(self, key: str) -> str:
        """A word or a short phrase: a legend, a column, a label, a state."""
        for name in (self.board, SHARED):
            if key in read(name).get("words", {}):
                self.used.add((name, f"words.{key}"))
                return self._text(name, f"words.{key}")
        raise NoSuchText(f"texts/{self.board}.yaml and texts/{SHARED}.yaml: words.{key}")

    def of(self, path: str) -> str:
        """A text of the dashboard's own file by its path, parts joined by dots."""
        self.used.add((self.board, path))
        return self._text(self.board, path)

    def panel(self, key: str) -> tuple[str, str]:
        """A panel's title and its description: what it shows, and what to do when it is red."""
        act = self.of(f"panels.{key}.act")
        return self.of(f"panels.{key}.title"), (
            f"{self.of(f'panels.{key}.shows')}\n\n**{_WHEN_RED[self.language]}:** {act}"
        )

    def codes(self, label: str) -> dict[str, str]:
        """What the values of a label are called, by the value."""
        codes = read(SHARED)["codes"][label]
        self.used |= {(SHARED, f"codes.{label}.{code}") for code in codes}
        return {code: self._text(SHARED, f"codes.{label}.{code}") for code in codes}

    def none(self, key: str) -> str:
        """What a panel says where it has no value: its own text, or the shared one."""
        panel = read(self.board)["panels"].get(key, {})
        return self.of(f"panels.{key}.none") if "none" in panel else self("none")

    def _text(self, name: str, path: str) -> str:
        node: Any = read(name)
        for part in path.split("."):
            node = node.get(part) if isinstance(node, dict) else None
        text = node.get(self.language) if isinstance(node, dict) else None
        if not isinstance(text, str) or not text:
            raise NoSuchText(f"texts/{name}.yaml: {path}.{self.language}")
        return text.strip()


@cache
def read(name: str) -> dict[str, Any]:
    """A file of words as it stands."""
    content = yaml.safe_load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))
    assert isinstance(content, dict)  # noqa: S101  # a file of ours
    return content
