"""What people write into a report: slots of Markdown, and changes to obstacles, from a YAML file or a folder.

period: 2026-10
agency: MOH            # absent: the national report
language: vi           # absent: both languages get it
slots:
  summary: |
    Trong tháng, Tổ công tác đã họp hai lần.
obstacles:
  OB-review-MOH-AGR-2026-0007:
    responsibility: Vụ Bảo hiểm y tế
    time: trước ngày 15/11/2026
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from monitor.errors import MonitorError, UsageProblem
from monitor.registry import documents
from monitor.registry.documents import Unreadable, read_documents
from monitor.registry.wording import shown
from monitor.reports.figures import LANGUAGES, Language
from monitor.reports.period import Period

SLOTS: Final = (
    "summary",
    "volume",
    "ranking",
    "quality",
    "compliance",
    "security",
    "connection",
    "service_quality",
    "obstacles",
    "next",
    "closing",
)
"""Where people can write; all but `closing` stand at the end of the section of that name."""

ASPECTS: Final = ("who", "work", "responsibility", "authority", "time", "result")
"""The six "clear" of an obstacle; people may put each in other words."""

MOST_CHARACTERS: Final = 20_000  # of one slot, some seven pages: more is a file that went astray
MOST_OBSTACLES: Final = 1000
MOST_FILES: Final = 1000
_KEYS: Final = ("period", "agency", "language", "slots", "obstacles")
_SUFFIXES: Final = (".yaml", ".yml", ".md")


class NarrativeProblems(MonitorError):
    """A file of narratives that cannot be used; the message names each place and the reason."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("the narrative cannot be used\n  " + "\n  ".join(problems))


@dataclass(frozen=True, slots=True)
class Written:
    """What people wrote for one report: text by slot, and words by obstacle and aspect."""

    slots: Mapping[str, str] = field(default_factory=dict)
    obstacles: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def over(self, earlier: Written) -> Written:
        """This, with what only an earlier one has. An empty text takes an earlier one away."""
        whole = self.beside(earlier)
        return Written({slot: text for slot, text in whole.slots.items() if text}, whole.obstacles)

    def beside(self, earlier: Written) -> Written:
        """This and what only an earlier one has, with the empty texts, which are for the issue before."""
        names = {*earlier.obstacles, *self.obstacles}
        return Written(
            {**earlier.slots, **self.slots},
            {
                name: {**earlier.obstacles.get(name, {}), **self.obstacles.get(name, {})}
                for name in sorted(names)
            },
        )


def read_narrative(path: Path, period: Period, agency: str | None, language: Language) -> Written:
    """Read what is written for one report in a file, or in the files of a folder (not below it).

    Of a file of several documents, and of a folder, those for this period, agency and language count, later
    ones over earlier ones, in order of file name. A `.md` file is one slot: its name says which, as in
    `2026-10.MOH.vi.summary.md` or `2026-10.national.summary.md`. Raises NarrativeProblems, and UsageProblem
    where there is no such path, or a single file holds nothing for this report.
    """
    if not path.exists():
        raise UsageProblem(f"--narrative {path}: there is no such file or folder")
    problems: list[str] = []
    found = Written()
    matched = False
    for file in _files(path, problems):
        for written in _read(file, period, agency, language, problems):
            found = written.beside(found)
            matched = True
    if problems:
        raise NarrativeProblems(problems)
    if path.is_file() and not matched:
        raise UsageProblem(
            f"--narrative {path}: holds nothing for {period.key}, "
            f"{agency or 'the national report'}, language {language}"
        )
    return found


def _files(path: Path, problems: list[str]) -> list[Path]:
    if path.is_file():
        return [path]
    try:
        files = sorted(each for each in path.iterdir() if each.suffix in _SUFFIXES and each.is_file())
    except OSError as why:
        raise NarrativeProblems([f"{path}: cannot be read: {why.strerror}"]) from why
    if len(files) > MOST_FILES:
        problems.append(f"{path}: holds {len(files)} files; more than {MOST_FILES} are not read")
    return files[:MOST_FILES]


def _read(
    file: Path, period: Period, agency: str | None, language: Language, problems: list[str]
) -> Iterable[Written]:
    if file.suffix == ".md":
        yield from _read_markdown(file, period, agency, language, problems)
        return
    try:
        held = read_documents(file)
    except Unreadable as why:
        problems.append(f"{file}{f':{why.line}' if why.line else ''}: {why.reason}")
        return
    for document in held:
        if document is None:
            continue
        before = len(problems)
        written = _checked(document, file, problems)
        ours = (
            len(problems) == before
            and str(document["period"]) == period.key
            and document.get("agency") == agency
            and document.get("language", language) == language
        )
        if ours:
            yield written


def _checked(document: object, file: Path, problems: list[str]) -> Written:
    """The slots and obstacles of a document; what is wrong with it is added to the problems."""

    def wrong(key: str, reason: str) -> None:
        line = (
            document.lines.get(key.split(".", maxsplit=1)[0])
            if isinstance(document, documents.Mapping)
            else None
        )
        problems.append(f"{file}{f':{line}' if line else ''} {key}: {reason}".replace(" : ", ": "))

    if not isinstance(document, documents.Mapping):
        wrong("", f"expected period: and slots:; found {shown(document)}")
        return Written()
    for key in document:
        if key not in _KEYS:
            wrong(key, f"is not a field; accepted: {', '.join(_KEYS)}")
    try:
        Period.parse(str(document.get("period")))
    except UsageProblem as why:
        wrong("period", str(why))
    if not isinstance(document.get("agency", ""), str):
        wrong("agency", f"expected an agency's code, found {shown(document['agency'])}")
    if document.get("language", "vi") not in LANGUAGES:
        wrong("language", f"{shown(document['language'])} is not accepted: vi or en")
    slots: dict[str, str] = {}
    for slot, text in _mapping(document, "slots", wrong).items():
        if slot not in SLOTS:
            wrong(f"slots.{slot}", f"is no slot; accepted: {', '.join(SLOTS)}")
        elif not isinstance(text, str):
            wrong(f"slots.{slot}", f"expected text, found {shown(text)}")
        elif len(text) > MOST_CHARACTERS:
            wrong(f"slots.{slot}", f"has {len(text)} characters; {MOST_CHARACTERS} are accepted")
        else:
            slots[slot] = text.strip()
    return Written(slots, _obstacles(document, wrong))


def _obstacles(document: documents.Mapping, wrong: object) -> dict[str, dict[str, str]]:
    assert callable(wrong)  # noqa: S101  # the checker's own function
    found: dict[str, dict[str, str]] = {}
    held = _mapping(document, "obstacles", wrong)
    if len(held) > MOST_OBSTACLES:
        wrong("obstacles", f"names {len(held)}; {MOST_OBSTACLES} are accepted")
        return found
    for name, aspects in held.items():
        if not isinstance(aspects, dict):
            wrong(f"obstacles.{name}", f"expected {', '.join(ASPECTS)}; found {shown(aspects)}")
            continue
        for aspect, text in aspects.items():
            if aspect not in ASPECTS:
                wrong(f"obstacles.{name}.{aspect}", f"is not accepted: {', '.join(ASPECTS)}")
            elif not isinstance(text, str) or not 0 < len(text) <= MOST_CHARACTERS:
                wrong(f"obstacles.{name}.{aspect}", "expected text")
            else:
                found.setdefault(name, {})[aspect] = text.strip()
    return found


def _mapping(document: documents.Mapping, key: str, wrong: object) -> Mapping[str, object]:
    assert callable(wrong)  # noqa: S101
    held = document.get(key)
    if held is None:
        return {}
    if not isinstance(held, dict):
        wrong(key, f"expected a mapping, found {shown(held)}")
        return {}
    return held


def _read_markdown(
    file: Path, period: Period, agency: str | None, language: Language, problems: list[str]
) -> Iterable[Written]:
    parts = file.name.removesuffix(".md").split(".")
    named = [period.key, agency or "national"]
    if parts[:2] != named:
        return
    rest = parts[2:]
    if len(rest) == 2 and rest[0] in LANGUAGES:  # language and slot
        if rest[0] != language:
            return
        rest = rest[1:]
    if len(rest) != 1 or rest[0] not in SLOTS:
        problems.append(
            f"{file}: the name must end in a slot ({', '.join(SLOTS)}), as in 2026-10.MOH.vi.summary.md"
        )
        return
    try:
        text = file.read_text(encoding="utf-8-sig").strip()
    except (OSError, UnicodeDecodeError) as why:
        problems.append(f"{file}: cannot be read: {why}")
        return
    if len(text) > MOST_CHARACTERS:
        problems.append(f"{file}: has {len(text)} characters; {MOST_CHARACTERS} are accepted")
        return
    yield Written({rest[0]: text})
