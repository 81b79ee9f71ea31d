"""A folder is loaded as a whole, or everything that is wrong with it is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from alerts.model import Level
from alerts.rule import Bound
from alerts.sigma.document import MAX_FILE_BYTES
from alerts.sigma.load import RuleProblems, load_rules
from tests.alerts.sigma.writing import ID, Values, correlation, feeding, loaded, monitor, refused, rule, write


def test_rules_of_all_files_and_folders_are_loaded(tmp_path: Path) -> None:
    """Both endings, several documents a file, folders inside; what begins with _ or . is left out."""
    write(tmp_path, rule(1), rule(2), name="a.yml")
    write(tmp_path / "deep" / "er", rule(3), name="b.yaml")
    for name in ("_draft.yml", ".hidden.yml", "readme.md"):
        (tmp_path / name).write_text("no: rule: at: all")
    (tmp_path / "_old").mkdir()
    (tmp_path / "_old" / "c.yml").write_text("[")
    found = load_rules(tmp_path)
    assert [(each.info.title, each.info.source) for each in found.events] == [
        ("Rule 1", "a.yml"),
        ("Rule 2", "a.yml"),
        ("Rule 3", "deep/er/b.yaml"),
    ]


def test_what_a_person_is_told_comes_from_the_rule(tmp_path: Path) -> None:
    """The head and the block of ours arrive in RuleInfo."""
    written = rule(tags=["attack.discovery"], monitor=monitor(quiet="2h", leak=True, agency="provider"))
    (only,) = loaded(tmp_path, written).events
    info = only.info
    assert (info.id, info.level, info.risk_score, info.owner) == (ID.format(1), Level.MEDIUM, 45, "soc")
    assert (info.title_vi, info.quiet, info.leak, info.agency) == ("Quy tắc thử", 7200, True, "provider")
    assert (info.tags, len(info.runbook), info.source) == (("attack.discovery",), 3, "rules.yml")


def test_numbers_that_a_rule_requires_are_told(tmp_path: Path) -> None:
    """Limits of required numbers spare trying a rule in vain; of alternatives the loosest holds."""
    detection = {
        "a": {"records|gte": 100, "duration_ms|lt": 5},
        "b": {"records|gte": 50},
        "c": {"request_bytes": [7, 9]},
        "d": {"response_bytes|gt": 1},
        "condition": "(a or b) and c and not d",
    }
    (only,) = loaded(tmp_path, feeding(1, detection=detection)).events
    assert only.bounds == (
        Bound("records", "gte", 50),
        Bound("request_bytes", "gte", 7),
        Bound("request_bytes", "lte", 9),
    )


def test_every_problem_is_told_at_once_with_its_place(tmp_path: Path) -> None:
    """File, line, key, reason and rule of each."""
    write(tmp_path, rule(1, level="grave"), rule(2, detection={"s": {"outcom": "x"}, "condition": "s"}))
    (tmp_path / "broken.yml").write_text("title: [")
    with pytest.raises(RuleProblems) as raised:
        load_rules(tmp_path)
    told = [str(each) for each in raised.value.problems]
    lines = (tmp_path / "rules.yml").read_text().splitlines()
    assert told[0].startswith("broken.yml:2: is not YAML")
    assert told[1] == (
        f"rules.yml:{lines.index('level: grave') + 1} level: 'grave' is not accepted: expected "
        "'informational', 'low', 'medium', 'high' or 'critical' (in Rule 1)"
    )
    place = f"rules.yml:{lines.index('    outcom: x') + 1} detection.s.outcom"
    assert told[2] == f"{place}: exchanges has no field outcom; did you mean outcome? (in Rule 2)"
    assert str(raised.value).startswith(f"the rules in {tmp_path} have 3 problems\n  broken.yml:2")


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"levle": "high"}, "levle: is not a field; did you mean level? (in Rule 1)"),
        ({"title": ""}, None),
        ({"id": "seven"}, "id: 'seven' is no UUID such as 5013332f-8a70-4e04-bcc1-06a98a2cca2e (in Rule 1)"),
        ({"date": "yesterday"}, "date: Rule date 'yesterday' is invalid, use yyyy-mm-dd (in Rule 1)"),
        ({"tags": ["nodot"]}, None),
        ({"references": "https://example.org"}, None),
        ({"filter": {}, "logsource": None}, None),
        (
            {"monitor": monitor(risk_scor=45)},
            "monitor.risk_scor: is not a field; did you mean risk_score? (in Rule 1)",
        ),
        (
            {"monitor": monitor(risk_score=60)},
            "monitor.risk_score: 60 does not fit the level medium, whose scores go from 30 to 59 (in Rule 1)",
        ),
        (
            {"monitor": monitor(quiet="1M")},
            "monitor.quiet: '1M' is not accepted: write it as a number and s, m, h, d or w, "
            "for instance 30m (in Rule 1)",
        ),
        (
            {"monitor": monitor(quiet="40000d")},
            "monitor.quiet: '40000d' is not accepted: at most 3653d, which is ten years (in Rule 1)",
        ),
        (
            {"monitor": monitor(agency="consumr")},
            "monitor.agency: exchanges has no field consumr; did you mean consumer? (in Rule 1)",
        ),
        (
            {"monitor": monitor(agency="records")},
            "monitor.agency: expected a field that holds a text; records holds a number (in Rule 1)",
        ),
        (
            {"monitor": monitor(**{"group-by": ["servic"]})},
            "monitor.group-by[0]: exchanges has no field servic; did you mean service? (in Rule 1)",
        ),
        (
            {"monitor": monitor(runbook=["one", "two"])},
            "monitor.runbook: has 2 lines; a rule that alerts says in 3 to 6 what to do (in Rule 1)",
        ),
        (
            {"monitor": monitor(cases=[{"name": "denied", "events": [{"outcome": "denied"}]}])},
            "monitor.cases: holds no case that does not match (expect: none) (in Rule 1)",
        ),
        (
            {"logsource": {"product": "windows", "category": "process_creation"}},
            "logsource: names product windows, category process_creation; these events are not collected "
            "here, only product data-exchange with service exchanges or security-events (in Rule 1)",
        ),
        (
            {"logsource": {"product": "data-exchange", "service": "exchange"}},
            "logsource: names product data-exchange, service exchange; expected product data-exchange "
            "with service exchanges or security-events (in Rule 1)",
        ),
    ],
    ids=lambda each: str(each)[:50],
)
def test_a_head_that_is_wrong_is_refused(tmp_path: Path, changes: Values, problem: str | None) -> None:
    """Each mistake is told in words that say what is expected."""
    found = refused(tmp_path, rule(1, **changes))
    assert found if problem is None else found == [problem]


@pytest.mark.parametrize("key", ["status", "description", "author", "references", "falsepositives", "level"])
def test_a_rule_that_alerts_has_all_that_a_person_needs(tmp_path: Path, key: str) -> None:
    """Whoever is woken by it must know what it is; a rule that only feeds others may leave it out."""
    assert refused(tmp_path, rule(1, without=(key,))) == [
        f"{key}: is missing; a rule that alerts has one (in Rule 1)"
    ]
    assert refused(tmp_path, feeding(1, without=(key,))) == []


@pytest.mark.parametrize("key", ["title_vi", "risk_score", "owner"])
def test_a_rule_that_alerts_has_all_of_ours(tmp_path: Path, key: str) -> None:
    """The Vietnamese title, a score and an owner."""
    block = {name: value for name, value in monitor().items() if name != key}
    assert refused(tmp_path, rule(1, monitor=block)) == [
        f"monitor.{key}: is missing; a rule that alerts has one (in Rule 1)"
    ]


def test_a_rule_from_elsewhere_needs_what_sigma_needs(tmp_path: Path) -> None:
    """Not strict: further attributes are permitted, and what we want to know is filled in."""
    bare = {
        "title": "From elsewhere",
        "logsource": {"product": "data-exchange", "service": "security-events", "definition": "any"},
        "detection": {"selection": {"kind": "sign_in_failed"}, "condition": "selection"},
        "level": "high",
        "custom": {"anything": [1]},
    }
    (only,) = loaded(tmp_path, bare, strict=False).events
    assert (only.info.level, only.info.risk_score, only.info.owner, only.info.agency) == (
        Level.HIGH,
        72,
        "soc",
        "agency",
    )
    assert only.alerts
    again = loaded(tmp_path, bare, strict=False)
    assert again.events[0].info.id == only.info.id
    strict = refused(tmp_path, bare)
    assert any(each.startswith("custom: is not a field") for each in strict)


def test_ids_and_names_are_unique(tmp_path: Path) -> None:
    """The second of two names the first and its place."""
    assert refused(tmp_path, rule(1), rule(2, id=ID.format(1))) == [
        f"id: {ID.format(1)} is the id of Rule 1 (rules.yml:1) too (in Rule 2)"
    ]
    assert refused(tmp_path, rule(1), rule(2, name="rule_1")) == [
        "name: rule_1 is the name of Rule 1 (rules.yml:1) too (in Rule 2)"
    ]


def test_rules_that_others_take_in_say_whether_they_alert(tmp_path: Path) -> None:
    """Sigma silences them unless `generate` says otherwise; nobody should be surprised by that."""
    assert refused(tmp_path, rule(1), correlation(2, "rule_1")) == [
        "monitor.alerts: is missing; Rule 2 takes this rule in: "
        "say whether it alerts by itself too (in Rule 1)"
    ]
    alerts = {}
    for said in (True, False):
        found = loaded(tmp_path, rule(1, monitor=monitor(alerts=said)), correlation(2, "rule_1"))
        alerts[said] = found.events[0].alerts
    assert alerts == {True: True, False: False}
    assert loaded(tmp_path, rule(1), correlation(2, "rule_1", generate=True)).events[0].alerts
    assert not loaded(tmp_path, rule(1), correlation(2, "rule_1"), strict=False).events[0].alerts
    assert refused(tmp_path, feeding(1), correlation(2, "rule_1", generate=True)) == [
        "monitor.alerts: contradicts generate: true of Rule 2 (in Rule 1)"
    ]


def test_the_fingerprint_of_a_rule_changes_with_what_it_matches_only(tmp_path: Path) -> None:
    """A better runbook must not make a baseline forget what it has learnt."""

    def prints(*documents: dict[str, object]) -> tuple[str, dict[str, str]]:
        found = loaded(tmp_path, *documents)
        return found.fingerprint, dict(found.fingerprints)

    base = prints(feeding(1), correlation(2, "rule_1"))
    told = prints(feeding(1), {**correlation(2, "rule_1"), "description": "Better."})
    assert told[0] != base[0]
    assert told[1] == base[1]
    counted = prints(feeding(1), correlation(2, "rule_1", condition={"gte": 4}))
    assert counted[1][ID.format(1)] == base[1][ID.format(1)]
    assert counted[1][ID.format(2)] != base[1][ID.format(2)]
    matched = prints(
        feeding(1, detection={"s": {"outcome": "timeout"}, "condition": "s"}), correlation(2, "rule_1")
    )
    assert all(matched[1][key] != base[1][key] for key in base[1])


# Files that mean harm


BILLION = "\n".join(
    ["a: &a [x, x, x, x, x, x, x, x, x]"]
    + [
        f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]"
        for old, new in zip("abcdefgh", "bcdefghi", strict=True)
    ]
)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (BILLION, "uses the anchor &a; write the value out where it is needed"),
        ("title: a\ntitle: b\n", "has the key 'title' twice in one mapping (first in line 1)"),
        ("title: !!python/object/apply:os.system [id]\n", "uses the tag"),
        ("<<: {a: b}\n", "uses the merge key <<; write the values out"),
        ("a: " + "[" * 10_000, "nests deeper than 12 levels"),
        ("title: a\x00b\n", "is not YAML"),
        ("- a\n- b\n", "expected a rule, a mapping that begins with title: …; found a list"),
        ("just words\n", "expected a rule, a mapping that begins with title: …; found 'just words'"),
        ("x" * (MAX_FILE_BYTES + 1), "more than 262,144 are not read"),
    ],
    ids=["billion laughs", "duplicate key", "tag", "merge", "deep", "zero", "list", "words", "large"],
)
def test_a_hostile_file_is_a_problem_and_not_a_crash(tmp_path: Path, text: str, reason: str) -> None:
    """Nothing in a file can make the loader run away, run code, or pass a line over."""
    (tmp_path / "rules.yml").write_text(text)
    with pytest.raises(RuleProblems) as raised:
        load_rules(tmp_path)
    assert reason in str(raised.value.problems[0])


def test_a_file_that_is_not_utf_8_is_a_problem(tmp_path: Path) -> None:
    """The byte and its line are named."""
    (tmp_path / "rules.yml").write_bytes(b"title: a\xff")
    with pytest.raises(RuleProblems, match=r"rules.yml:1: is not UTF-8: byte 8 is 0xff"):
        load_rules(tmp_path)


@pytest.mark.parametrize(
    "value", [None, 5, "x", [], {}, [[]], {"a": {"b": {}}}, True, 1.5, -(2**40)], ids=repr
)
@pytest.mark.parametrize(
    "key",
    [
        "title",
        "id",
        "name",
        "status",
        "references",
        "author",
        "date",
        "tags",
        "related",
        "logsource",
        "detection",
        "level",
        "monitor",
        "correlation",
        "filter",
        "fields",
        "scope",
        "license",
        "taxonomy",
    ],
)
def test_a_value_of_any_kind_at_any_key_is_a_problem_or_fine(tmp_path: Path, key: str, value: object) -> None:
    """Whatever stands at a key, the loader says so or loads; it never falls over."""
    changes: Values = {key: value}
    write(tmp_path, rule(1, **changes))
    found: list[int] = []
    for strict in (True, False):
        try:
            load_rules(tmp_path, strict)
        except RuleProblems as why:
            found.append(len(why.problems))
    assert 0 not in found


def test_a_folder_without_rules_is_a_problem(tmp_path: Path) -> None:
    """A worker that watches nothing because of a misspelt path must not start."""
    with pytest.raises(RuleProblems, match=r"holds no rules: no \*\.yml and no \*\.yaml"):
        load_rules(tmp_path)
    with pytest.raises(RuleProblems, match="does not exist; expected a folder of rules"):
        load_rules(tmp_path / "none")


def test_a_broken_rule_is_one_problem_and_not_one_for_each_that_refers_to_it(tmp_path: Path) -> None:
    """What follows from a mistake is not told again."""
    found = refused(tmp_path, feeding(1, level="grave"), correlation(2, "rule_1"))
    assert [each.split(":")[0] for each in found] == ["level"]
