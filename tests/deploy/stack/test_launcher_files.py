"""A stack gives Prometheus and Alertmanager the shipped configuration, with its own ports in it."""

from __future__ import annotations

from pathlib import Path

import yaml

from deploy.stack.files import DEPLOY, SHIPPED_RECEIVER, alertmanager_file, prometheus_files
from tests.parts.alertmanager import check_configuration
from tests.parts.prometheus import promtool

TARGETS = {"monitor": ["127.0.0.1:1001", "127.0.0.1:1002"], "alertmanager": ["127.0.0.1:1003"],
           "prometheus": ["127.0.0.1:1004"]}  # fmt: skip


def test_prometheus_gets_the_shipped_rules_and_the_stack_s_targets(tmp_path: Path) -> None:
    """Nothing but the targets differs, each job's are its own, and promtool takes it."""
    configuration = prometheus_files(tmp_path / "files", TARGETS)
    assert configuration.read_bytes() == (DEPLOY / "prometheus" / "prometheus.yml").read_bytes()
    for job, addresses in TARGETS.items():
        listed = yaml.safe_load((tmp_path / "files" / "targets" / f"{job}.yml").read_text(encoding="utf-8"))
        assert [each["targets"] for each in listed] == [addresses]
    checked = promtool("check", "config", configuration)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_another_interval_is_that_of_scrapes_rules_and_time_outs(tmp_path: Path) -> None:
    """A time-out may not be longer than its interval; what was written before is replaced."""
    prometheus_files(tmp_path / "files", TARGETS)
    configuration = prometheus_files(tmp_path / "files", TARGETS, scrape=2.5)
    said = yaml.safe_load(configuration.read_text(encoding="utf-8"))["global"]
    assert said == {"scrape_interval": "2500ms", "scrape_timeout": "2500ms", "evaluation_interval": "2500ms"}
    checked = promtool("check", "config", configuration)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_every_receiver_of_alertmanager_is_the_stack_s(tmp_path: Path) -> None:
    """No webhook is left at the shipped address, and amtool takes it."""
    configuration = alertmanager_file(tmp_path, "127.0.0.1:1005")
    text = configuration.read_text(encoding="utf-8")
    shipped = (DEPLOY / "alertmanager" / "alertmanager.yml").read_text(encoding="utf-8")
    assert SHIPPED_RECEIVER not in text
    assert text.count("127.0.0.1:1005") == shipped.count(SHIPPED_RECEIVER) > 0
    assert check_configuration(configuration).returncode == 0
