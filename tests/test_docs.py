"""The texts keep up with the code: settings, metrics, commands, links, and nothing of anybody's machine."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click
import msgspec
import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import Metric
from sqlalchemy import create_engine
from sqlalchemy.pool import StaticPool

from alerts.delivery.metrics import DeliveryMetrics
from alerts.engine import metrics as engine_metrics
from alerts.engine.metrics import EngineMetrics
from alerts.incidents import metrics as incident_metrics
from alerts.incidents.metrics import IncidentMetrics
from alerts.metrics import AlertMetrics
from alerts.risk import metrics as risk_metrics
from alerts.risk.metrics import RiskMetrics
from alerts.sigma.reload import RuleMetrics
from monitor.calendar.working import WorkingDays
from monitor.cli import cli
from monitor.dossiers import names as quality_names
from monitor.dossiers.judge import QualityTerms
from monitor.dossiers.metrics import QualityMetrics
from monitor.duties import names as duty_names
from monitor.duties.assess import Terms
from monitor.duties.metrics import DutyMetrics
from monitor.duties.rules import DutyRules
from monitor.events.decode import decode_one
from monitor.events.exchange import Exchange
from monitor.judging.book import Book
from monitor.judging.breach import Breach
from monitor.judging.judge import judge
from monitor.ledger.moment import EPOCH
from monitor.metrics import names
from monitor.metrics.agreements import AgreementMetrics
from monitor.metrics.dossiers import DossierMetrics
from monitor.metrics.ledger import LedgerMetrics
from monitor.metrics.lifecycle import LifecycleMetrics
from monitor.metrics.own import OwnMetrics
from monitor.metrics.security import SecurityMetrics
from monitor.objectives import names as objective_names
from monitor.objectives.metrics import ObjectiveMetrics
from monitor.registry.load import load_registry
from monitor.registry.registry import Registry
from monitor.reports.schedule import metrics as schedule_metrics
from monitor.reports.schedule.metrics import ScheduleMetrics
from monitor.settings import PREFIX, Settings, load_settings
from monitor.storage import tables
from monitor.xroad import metrics as xroad_metrics
from monitor.xroad.metrics import XroadMetrics

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
REFERENCE = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")
# Modules that declare metrics, and with them their labels.
DECLARING = (
    names, incident_metrics, risk_metrics, engine_metrics, duty_names, objective_names, xroad_metrics,
    schedule_metrics, quality_names,
)  # fmt: skip
LARGEST_TEXT = 4 * 1024 * 1024  # what is larger is a picture or a mistake
# Folders of one machine, and hosts of package indexes: a checkout must work anywhere.
ELSEWHERE = re.compile(
    r"(?<![\w.*)}\]-])/(?:root|home|work|Users|mnt)/\w"
    r"|(?:pypi|pythonhosted|testpypi)\.org"
    r"|repo1?\.maven|-{2}(?:extra-)?index-url|-{2}find-links"
)


def tracked() -> list[Path]:
    """Every file that git knows, or skips where this is no git checkout."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    paths = [ROOT / name for name in listed.stdout.decode().split("\0") if name]
    return [path for path in paths if path.is_file()]


def texts() -> list[Path]:
    """Every Markdown file of the project."""
    return [path for path in tracked() if path.suffix == ".md"]


def rows(heading: str) -> Iterator[list[str]]:
    """The cells of the rows of the first table below a heading, of the reference or else of the README."""
    text = REFERENCE if f"\n## {heading}\n" in REFERENCE else README
    section = text.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    table = re.search(r"(?:^\|.*\n)+", section, re.MULTILINE)
    assert table, f"no table below {heading}"
    for line in table[0].splitlines()[2:]:
        yield [cell.strip() for cell in line.strip("|").split("|")]


def code(text: str) -> Iterator[str]:
    """Every piece of code in a text: lines of its blocks, joined where one goes on, and what is quoted."""
    for block in re.findall(r"^ *```\w*\n(.*?)^ *```", text, re.MULTILINE | re.DOTALL):
        yield from block.replace("\\\n", " ").splitlines()
    yield from re.findall(r"(?<!`)`([^`\n]+)`(?!`)", text)


# Settings


def test_every_setting_is_in_the_reference_with_its_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The README names every setting once, and the default it shows, set as a variable, changes nothing."""
    monkeypatch.chdir(tmp_path)  # where there is no monitor.toml and no .env
    for variable in [each for each in os.environ if each.startswith(PREFIX)]:
        monkeypatch.delenv(variable)
    shown = {name.strip("`"): default.strip("`") for name, default, _ in rows("Settings")}
    assert sorted(shown) == sorted(f"{PREFIX}{name}".upper() for name in Settings.model_fields)
    for name, field in Settings.model_fields.items():
        default = shown[f"{PREFIX}{name}".upper()]
        assert bool(default) == (field.default not in (None, "", ())), name
        if default:
            given = load_settings()
            with monkeypatch.context() as context:
                context.setenv(f"{PREFIX}{name}".upper(), default)
                assert load_settings() == given, name


def test_the_settings_that_a_text_names_exist() -> None:
    """A variable that any text names is a setting, or a setting's file, or a variable of the tests."""
    fields = {f"{PREFIX}{name}".upper() for name in Settings.model_fields}
    known = fields | {f"{name}_FILE" for name in fields} | {"MONITOR_PARTS_DIR"}
    for path in texts():
        named = set(re.findall(r"\bMONITOR_[A-Z0-9_]*[A-Z0-9]\b", path.read_text(encoding="utf-8")))
        assert named <= known, path


# Metrics


def exported() -> dict[str, tuple[str, tuple[str, ...]]]:
    """Type and labels of every metric of the monitor's own, by the name that a scrape shows."""
    registry = CollectorRegistry()
    registry.register(LedgerMetrics())
    registry.register(SecurityMetrics())
    registry.register(LifecycleMetrics())
    registry.register(XroadMetrics())
    registry.register(DossierMetrics())
    registry.register(AgreementMetrics(Registry.of([], [], []), ZoneInfo("UTC"), lambda: datetime.now(UTC)))
    ScheduleMetrics(registry)
    own = OwnMetrics.create(registry)
    for collector in (IncidentMetrics(), RiskMetrics(lambda: datetime.now(UTC)), EngineMetrics()):
        registry.register(collector)
    database = create_engine("sqlite://", poolclass=StaticPool)
    tables.metadata.create_all(database)
    objectives = ObjectiveMetrics(Registry.of([], [], []), database, ZoneInfo("UTC"))
    objectives.refresh(datetime.now(UTC))  # before it has nothing to show
    registry.register(objectives)
    instruments: list[Any] = [
        *own,
        *AlertMetrics.create(registry),
        *DeliveryMetrics.create(registry),
        *RuleMetrics.create(registry),
    ]
    labels = {
        names.PREFIX + declared.name: declared.labels
        for module in DECLARING
        for declared in vars(module).values()
        if isinstance(declared, names.Declaration)
    }
    # Only a metric's samples tell its labels, and one with labels has none before its first event.
    labels |= {each._name: tuple(each._labelnames) for each in instruments if hasattr(each, "_labelnames")}
    labels[f"{names.PREFIX}build"] = ("version",)
    terms = Terms(Registry.of(), DutyRules(), WorkingDays(), ZoneInfo("UTC"))
    # It shows nothing before its first refresh.
    described = [
        *DutyMetrics(terms, create_engine("sqlite://")).describe(),
        *QualityMetrics(
            Registry.of(), QualityTerms.of(load_settings()), create_engine("sqlite://")
        ).describe(),
    ]
    return {
        shown_name(metric): (shown_type(metric), labels.get(metric.name, ()))
        for metric in (*registry.collect(), *described)
    }


def shown_name(metric: Metric) -> str:
    """The name under which a scrape shows a metric."""
    return metric.name + {"counter": "_total", "info": "_info"}.get(metric.type, "")


def shown_type(metric: Metric) -> str:
    """The type under which a scrape shows a metric; an info is a gauge that is 1."""
    return "gauge" if metric.type == "info" else metric.type


def test_every_exported_metric_is_in_the_reference_with_its_type_and_labels() -> None:
    """The README's table names exactly the metrics that a worker exports."""
    shown = {
        name.strip("`"): (kind, tuple(label.strip() for label in labels.split(",") if label))
        for name, kind, labels, _ in rows("Metrics")
    }
    assert shown == exported()


def test_the_metrics_that_a_text_names_are_exported() -> None:
    """No text names a metric that does not exist."""
    known = set(exported())
    for path in texts():
        assert set(re.findall(r"`(datashare_\w+)", path.read_text(encoding="utf-8"))) <= known, path


# Commands


def commands(group: click.Group = cli, path: tuple[str, ...] = ("monitor",)) -> Iterator[str]:
    """Every command that does something, in full."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            if command.invoke_without_command:
                yield " ".join((*path, name))
            yield from commands(command, (*path, name))
        else:
            yield " ".join((*path, name))


def test_every_command_is_in_the_reference() -> None:
    """The reference's table of commands names exactly those that there are."""
    shown = [command for cell, _ in rows("Commands") for command in re.findall(r"`([^`]+)`", cell)]
    assert sorted(shown) == sorted(commands())


def test_commands_and_options_that_a_text_names_exist() -> None:
    """`monitor …` in a text is a command, with options that it has; `make …` is a target."""
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for path in texts():
        for line in code(path.read_text(encoding="utf-8")):
            words = shlex.split(line, comments=True) if re.match(r"(monitor|make) ", line) else []
            if words[:1] == ["make"]:
                assert words[1] in targets, (path, line)
            elif words:
                check_command(words[1:], f"{path}: {line}")


def check_command(words: list[str], where: str) -> None:
    """Follow the words down the groups of commands, then compare the options."""
    command: click.Command = cli
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        found = command.get_command(click.Context(command), words[0])
        assert found is not None, f"{where}: no command {words[0]}"
        command, words = found, words[1:]
    options = {option for parameter in command.params for option in parameter.opts} | {"--help", "--version"}
    assert {word.split("=")[0] for word in words if word.startswith("--")} <= options, where


# The contract's example


def example() -> bytes:
    """The exchange that the README shows."""
    found = re.search(r"```json\n(.*?)```", README, re.DOTALL)
    assert found
    return found[1].encode()


def test_the_readme_s_exchange_is_accepted_and_keeps_its_agreement() -> None:
    """Under the example registry the example breaches nothing."""
    exchange = decode_one(example(), ())
    assert isinstance(exchange, Exchange)
    assert isinstance(exchange.time, datetime)
    book = Book(load_registry(ROOT / "deploy" / "registry"), ZoneInfo("Asia/Ho_Chi_Minh"))
    hour = int((exchange.time - EPOCH).total_seconds()) // 3600 * 3600
    terms = book.terms(exchange.provider, exchange.consumer, exchange.service, hour)
    assert judge(exchange, terms, 0.0, None) == ()
    assert terms.agreement == msgspec.json.decode(example())["agreement"]


def test_the_readme_names_every_breach() -> None:
    """The list of breaches is the code's, in its order."""
    line = next(line for line in README.splitlines() if line.startswith("The breaches:"))
    assert re.findall(r"`(\w+)`", line) == list(Breach)


# Links, and what must not be there


def test_links_lead_somewhere() -> None:
    """A relative link names a file of the project, and an anchor a heading in it."""
    for path in texts():
        for target in re.findall(r"\]\(([^)\s]+)\)", path.read_text(encoding="utf-8")):
            if "://" in target or target.startswith("mailto:"):
                continue
            name, _, anchor = target.partition("#")
            file = (path.parent / name).resolve() if name else path
            assert file.exists(), f"{path.relative_to(ROOT)}: {target}"
            assert file.is_relative_to(ROOT), f"{path.relative_to(ROOT)}: {target}"
            if anchor:
                assert anchor in anchors(file), f"{path.relative_to(ROOT)}: {target}"


def anchors(path: Path) -> set[str]:
    """The anchors of a Markdown file's headings, as hosting sites make them."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_no_file_names_a_machine_or_an_index() -> None:
    """Nothing in the repository ties it to one machine's folders or to one place to fetch packages from."""
    for path in tracked():
        if path.stat().st_size > LARGEST_TEXT:
            continue
        content = path.read_bytes()
        if b"\0" in content:
            continue
        for number, line in enumerate(content.decode("utf-8", "replace").splitlines(), 1):
            assert not ELSEWHERE.search(line), f"{path.relative_to(ROOT)}:{number}: {line.strip()[:120]}"


def test_locks_hold_names_and_hashes_alone() -> None:
    """No lock names an address, and every package in it has a hash."""
    for path in sorted((ROOT / "requirements").glob("*.txt")):
        lock = path.read_text(encoding="utf-8")
        assert "://" not in lock, path
        entries = re.split(r"\n(?=[a-z])", re.sub(r"^#.*\n", "", lock, flags=re.MULTILINE).strip())
        assert len(entries) > 5, path  # the shortest is what builds the project
        for entry in entries:
            assert re.match(r"[a-z0-9-]+==\S+", entry), f"{path}: {entry[:60]}"
            assert "--hash=sha256:" in entry, f"{path}: {entry[:60]}"


def test_locks_agree() -> None:
    """What the demo gets is what the tests ran with, and benchmarks measure the same."""
    demo, dev, bench = (
        set(re.findall(r"^[a-z0-9-]+==\S+", (ROOT / "requirements" / name).read_text(), re.MULTILINE))
        for name in ("demo.txt", "dev.txt", "bench.txt")
    )
    assert demo < dev < bench
