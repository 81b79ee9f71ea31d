"""The rules name what there is: exported metrics and labels, one another, objectives' windows, runbooks."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Final

import pytest

from alerts.delivery.message import Context
from alerts.delivery.message import labels as labels_of_alert
from alerts.model import Level
from monitor.duties import names as duty_names
from monitor.metrics.names import PREFIX, Declaration
from monitor.objectives import names as objective_names
from monitor.objectives.burning import BURN_RATES
from tests.alerts.delivery.parts import SECOND, alert
from tests.deploy.prometheus.promql import SCRAPED, Labels, Misread, result_labels
from tests.deploy.prometheus.rules import FOLDER, ROOT, RUNBOOKS, Rule, alerting, load, rules
from tests.test_docs import anchors, exported

# Of programs that are not ours; test_running.py looks whether they are so.
OTHERS: Final[dict[str, Labels]] = {
    "up": frozenset(),
    "process_start_time_seconds": frozenset(),
    "prometheus_rule_evaluation_failures_total": frozenset({"rule_group"}),
    "prometheus_config_last_reload_successful": frozenset(),
    "prometheus_notifications_dropped_total": frozenset(),
    "prometheus_notifications_alertmanagers_discovered": frozenset(),
    "alertmanager_notifications_failed_total": frozenset({"integration"}),
    "alertmanager_config_last_reload_successful": frozenset(),
}
OWNERS = {"operations", "soc", "compliance"}
# What only the monitor's own alerts have: their rule, and a page of their own.
OWN_LABELS = {"rule", "alert_id"}
LEVEL_METRIC_OPERATIONS = re.compile(r"[a-z_]+:datashare_[a-z_]+:(max|sum|(increase|burnrate)\d+[mhd])")


def scraped() -> dict[str, Labels]:
    """The series that a Prometheus has before any rule, and their labels."""
    found = {name: (kind, frozenset(labels)) for name, (kind, labels) in exported().items()}
    for module in (objective_names, duty_names):
        for each in vars(module).values():
            if isinstance(each, Declaration):
                found[PREFIX + each.name] = ("gauge", frozenset(each.labels))
    series = dict(OTHERS)
    for name, (kind, labels) in found.items():
        if kind == "histogram":
            series |= {f"{name}_bucket": labels | {"le"}, f"{name}_count": labels, f"{name}_sum": labels}
        else:
            series[name] = labels
    return {name: labels | SCRAPED for name, labels in series.items()}


def inferred() -> Iterator[tuple[Rule, Labels]]:
    """Every rule with the labels of what it gives; what is recorded is known to the rules after it."""
    known = scraped()
    for rule in recorded_first():
        labels = result_labels(rule.expression, known)
        assert labels is not None, rule.name
        if "record" in rule.said:
            known[rule.name] = labels
        yield rule, labels


def recorded_first() -> list[Rule]:
    """All rules, those that record before those that alert, as alerts read what other groups record."""
    return sorted(rules(), key=lambda rule: "alert" in rule.said)


def test_rules_read_exported_series_and_match_labels_that_these_have() -> None:
    """Nothing is misspelt, and no two sides are matched that have different labels."""
    assert len(list(inferred())) == len(list(rules()))


@pytest.mark.parametrize(
    ("expression", "complaint"),
    [
        ("datashare_exchange_total > 1", "no series datashare_exchange_total"),
        ('datashare_exchanges_total{agency="MOH"}', "no label ['agency']"),
        ("sum by (slo) (datashare_exchanges_total)", "no label ['slo']"),
        ("datashare_slo_events_total > datashare_agreement_info", "never match"),
        ("datashare_slo_events_total * on (slo) datashare_agreement_info", "no label ['slo']"),
        (
            "datashare_slo_events_total * on (agreement) group_left (agency) datashare_agreement_info",
            "no label ['agency']",
        ),
    ],
)
def test_what_could_never_match_is_found(expression: str, complaint: str) -> None:
    """The test before this one is able to fail."""
    with pytest.raises(Misread, match=re.escape(complaint)):
        result_labels(expression, scraped())


def test_recorded_names_say_level_metric_and_operations() -> None:
    """The level is what the series is added up to: its labels, or `all`; and no name is recorded twice."""
    for rule, labels in inferred():
        if "record" not in rule.said:
            continue
        assert LEVEL_METRIC_OPERATIONS.fullmatch(rule.name), rule.name
        level = rule.name.split(":")[0]
        assert (level == "all") == (not labels), rule.name
        assert level == "all" or set(level.split("_")) <= labels, rule.name
    twice = Counter(rule.name for rule in rules() if "record" in rule.said).most_common(1)
    assert twice[0][1] == 1, twice


def test_every_alert_has_every_label_that_routing_and_inhibition_read() -> None:
    """An absent label is equal to an absent one; and a fixed label must not hide one that the series has."""
    needed = set(labels_of_alert(alert(), Context(SECOND))) - OWN_LABELS - {"alertname"}
    for rule, labels in inferred():
        if "alert" in rule.said:
            said = rule.said["labels"]
            assert needed <= labels | said.keys(), (rule.name, needed - labels - said.keys())
            assert not labels & {name for name, value in said.items() if "{{" not in value}, rule.name
            assert said["severity"] in {level.word for level in Level}, rule.name
            assert said["owner"] in OWNERS, rule.name


def test_every_alert_is_named_and_explained() -> None:
    """CamelCase; a summary in both languages, a description with the value, and labels that there are."""
    for rule, labels in inferred():
        if "alert" not in rule.said:
            continue
        assert re.fullmatch(r"([A-Z][a-z]+)+", rule.name), rule.name
        texts = rule.said["annotations"]
        assert texts.keys() == {"summary", "summary_vi", "description", "runbook_url"}, rule.name
        assert "$value" in texts["description"] or rule.expression == "vector(1)", rule.name
        used = set(re.findall(r"\$labels\.(\w+)", "".join([*texts.values(), *rule.said["labels"].values()])))
        assert used <= labels, (rule.name, used - labels)


def test_alerts_of_one_name_differ_in_their_labels() -> None:
    """Or Prometheus would send one of them for both."""
    seen = Counter((rule.name, tuple(sorted(rule.said["labels"].items()))) for rule in alerting())
    assert max(seen.values()) == 1


def test_every_alert_has_a_runbook_and_every_runbook_an_alert() -> None:
    """`runbook_url` is an address in the repository, and leads to the alert's own section."""
    for rule in alerting():
        path, _, anchor = rule.said["annotations"]["runbook_url"].partition("#")
        assert ROOT / path == RUNBOOKS
        assert anchor == rule.name.lower()
    sections = re.findall(r"^### (.+)$", RUNBOOKS.read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(sections) == sorted({rule.name for rule in alerting()})
    assert {section.lower() for section in sections} <= anchors(RUNBOOKS)


def test_every_runbook_says_what_it_means_what_to_look_at_and_what_to_do() -> None:
    """In this order, each in a sentence at least."""
    for section in RUNBOOKS.read_text(encoding="utf-8").split("\n### ")[1:]:
        name, _, text = section.partition("\n")
        said = re.findall(r"^\*\*(\w+)\*\*: .{20,}", text, re.MULTILINE)
        assert said == ["Means", "Look", "Do"], name


def test_runbooks_query_series_that_there_are() -> None:
    """What they give to paste into Prometheus gives something."""
    known = scraped() | {rule.name: labels for rule, labels in inferred() if "record" in rule.said}
    queries = re.findall(r"^```promql\n(.*?)^```", RUNBOOKS.read_text(encoding="utf-8"), re.M | re.S)
    assert queries
    for query in queries:
        result_labels(query, known)


def test_burn_rates_are_those_by_which_objectives_are_judged() -> None:
    """monitor.objectives refuses objectives by the same windows and factors; each pair has one rule."""
    found = []
    for rule in alerting():
        if rule.name == "ErrorBudgetBurn":
            pairs = re.findall(r":burnrate(\w+) > ([\d.]+)", rule.expression)
            least = re.findall(r":increase(\w+)", rule.expression)
            (long, factor), (short, same) = pairs
            assert factor == same
            assert least == [long]
            assert seconds(str(rule.said["labels"]["exhaustion"])) == pytest.approx(
                30 * 86400 / float(factor), rel=0.05
            )
            found.append((float(factor), seconds(long), seconds(short)))
    assert found == [
        (rate.factor, rate.long.total_seconds(), rate.short.total_seconds()) for rate in BURN_RATES
    ]


def test_recorded_windows_are_what_their_names_say() -> None:
    """`increase6h` is over six hours."""
    for rule in rules():
        window = re.search(r":increase(\w+)$", rule.name)
        if window:
            assert set(re.findall(r"\[(\w+)\]", rule.expression)) == {window[1]}, rule.name


def test_the_jobs_that_rules_know_are_scraped_and_no_target_is_elsewhere() -> None:
    """Targets come from files, so that other ports need no change of the configuration."""
    configuration = load(FOLDER / "prometheus.yml")
    jobs = {job["job_name"] for job in configuration["scrape_configs"]}
    used = {job for rule in rules() for job in re.findall(r'job="(\w+)"', rule.expression)}
    assert used <= jobs
    for path in (FOLDER / "targets").iterdir():
        assert path.stem in jobs
        for group in load(path):
            assert all(target.startswith("127.0.0.1:") for target in group["targets"])


def seconds(duration: str) -> float:
    """A duration of one unit, as Prometheus writes it."""
    return float(duration[:-1]) * {"m": 60, "h": 3600, "d": 86400}[duration[-1]]
