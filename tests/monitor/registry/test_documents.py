"""Reading a YAML file: plain values as written, a line for everything, and refusals that name one."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.registry.documents import (
    MAX_BYTES,
    MAX_DEPTH,
    Mapping,
    Unreadable,
    parse_document,
    read_document,
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("13:30", "13:30"),  # 810 in YAML 1.1
        ("NO", "NO"),  # false in YAML 1.1
        ("on", "on"),
        ("2026-10-01", "2026-10-01"),
        ("'7'", "7"),
        ("7", 7),
        ("-1", -1),
        ("0.995", 0.995),
        ("1e3", 1000.0),
        ("5%", "5%"),
        ("true", True),
        ("~", None),
        ("9" * 5000, "9" * 5000),  # int() refuses so many digits
    ],
)
def test_plain_values_are_what_they_look_like(text: str, value: object) -> None:
    """Values are resolved as in YAML 1.2; whatever is no number, true, false or null is text."""
    found = parse_document(f"key: {text}")["key"]
    assert found == value
    assert type(found) is type(value)


def test_every_key_and_item_knows_its_line() -> None:
    """Lines count from 1, in block and in flow style, over comments and blank lines."""
    document = parse_document("# comment\n- a: 1\n\n  b: {c: 2,\n    d: 3}\n- [x,\n   y]\n")
    record = document[0]
    assert isinstance(record, Mapping)
    assert document.lines == [2, 6]
    assert record.lines == {"a": 2, "b": 4}
    assert record["b"].lines == {"c": 4, "d": 5}
    assert document[1].lines == [6, 7]


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("a: 1\nb: [", 3, "is not YAML"),
        ("a: b: c", 1, "is not YAML"),
        ("a: 1\n\tb: 2", 2, "is not YAML"),
        ("a: 1\nb: \x07", 2, "is not YAML"),
        ("a: 1\nb: 2\na: 3", 3, "the key 'a' twice in one mapping (first in line 1)"),
        ("a: &anchor 1", 1, "the anchor &anchor"),
        ("a: [1]\nb: &list [2]", 2, "the anchor &list"),
        ("a: 1\nb: *nowhere", 2, "the alias *nowhere"),
        ("a: 1\nb: !!python/object/apply:os.system [ls]", 2, "the tag"),
        ("a: !local x", 1, "the tag !local"),
        ("<<: {a: 1}", 1, "the merge key"),
        ("? [a]\n: b", 1, "a key must be plain text"),
        ("a: 1\n---\nb: 2", 2, "a second document"),
        ("", None, "is empty"),
        ("# only a comment\n", None, "is empty"),
        ("[" * 100_000, 1, "nests deeper"),
        ("- " * 100_000, 1, "nests deeper"),
    ],
)
def test_what_a_registry_has_no_use_for_is_refused(text: str, line: int | None, reason: str) -> None:
    """Broken, hostile and ambiguous YAML is refused with line and reason; none of it runs or crashes."""
    with pytest.raises(Unreadable) as refused:
        parse_document(text)
    assert reason in refused.value.reason
    assert refused.value.line == line


def test_an_alias_bomb_is_refused_at_its_first_anchor() -> None:
    """Ten levels of ten aliases would be ten thousand million values; nothing is built of them."""
    bomb = "\n".join(["a0: &a0 [x, x]", *(f"a{n}: &a{n} [{f'*a{n - 1}, ' * 10}]" for n in range(1, 11))])
    with pytest.raises(Unreadable, match="anchor &a0"):
        parse_document(bomb)


def test_the_deepest_allowed_nesting_is_read() -> None:
    """The limit is neither one less nor one more."""
    assert parse_document("[" * MAX_DEPTH + "]" * MAX_DEPTH) is not None
    with pytest.raises(Unreadable, match="nests deeper"):
        parse_document("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1))


def test_a_file_that_is_not_utf8_is_refused_with_its_line(tmp_path: Path) -> None:
    """The line of the first wrong byte is named."""
    path = tmp_path / "a.yaml"
    path.write_bytes("a: Hà Nội\nb: ".encode() + b"\xff\n")
    with pytest.raises(Unreadable, match="is not UTF-8") as refused:
        read_document(path)
    assert refused.value.line == 2


def test_a_giant_file_is_refused_unread(tmp_path: Path) -> None:
    """A file above the size limit is refused by its size."""
    path = tmp_path / "a.yaml"
    with path.open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    with pytest.raises(Unreadable, match="bytes long"):
        read_document(path)


def test_a_byte_order_mark_and_decomposed_letters_make_no_difference(tmp_path: Path) -> None:
    """Files from different editors give equal text."""
    composed, decomposed = tmp_path / "a.yaml", tmp_path / "b.yaml"
    composed.write_text("name: Hà Nội", encoding="utf-8")
    decomposed.write_text("name: Ha\u0300 No\u0323\u0302i", encoding="utf-8-sig")
    assert read_document(composed) == read_document(decomposed)
