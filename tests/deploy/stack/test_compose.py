"""compose.yaml: valid, pinned, confined, without a known password, and in step with the rest of deploy/."""

from __future__ import annotations

import copy
import importlib.resources
import json
import os
import re
import stat
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from monitor import __version__
from monitor.cli import cli
from monitor.settings import Settings, load_settings

ROOT = Path(__file__).resolve().parents[3]
DEPLOY = ROOT / "deploy"
FILE = DEPLOY / "compose.yaml"
COMPOSE: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
# Its start script writes beside the program; every other root file system is read-only.
WRITING = {"kafka"}
ENDING = {"migrate", "topics", "grafana-reader"}
EVERY = sorted(SERVICES)
WORKERS = ("worker-1", "worker-2")


def schema() -> dict[str, Any]:
    """The Compose specification's own JSON Schema, as a wheel brings it."""
    file = importlib.resources.files("check_jsonschema") / "builtin_schemas" / "vendor" / "compose-spec.json"
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found


def the_secret(name: str) -> str:
    """What stands in a secret's file here."""
    return f"the secret {name}"


def with_defaults(text: str) -> str:
    """A value as Compose reads it where no variable is set."""
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text)


def mounts(service: dict[str, Any]) -> Iterator[tuple[str, str, bool]]:
    """Source, target and whether it is read-only, of each volume."""
    for each in service.get("volumes", []):
        source, target, *mode = with_defaults(each).split(":")
        yield source, target, mode == ["ro"]


def set_up(
    name: str, monkeypatch: pytest.MonkeyPatch, folder: Path, given: Mapping[str, str] | None = None
) -> None:
    """Give this process the variables of a container, where whoever starts it has set what is `given`."""
    monkeypatch.chdir(folder)
    for secret in SERVICES[name]["secrets"]:
        (folder / secret).write_text(the_secret(secret), encoding="utf-8")
    for variable, value in SERVICES[name]["environment"].items():
        said = value if value is not None else (given or {}).get(variable)
        if said is None:
            monkeypatch.delenv(variable, raising=False)
        else:
            monkeypatch.setenv(variable, said.replace("/run/secrets", str(folder)))


def test_it_is_valid_by_the_specification() -> None:
    """After the merges and anchors are carried out, as Compose does."""
    jsonschema.validate(COMPOSE, schema(), cls=jsonschema.Draft7Validator)


def test_the_schema_is_awake() -> None:
    """A key that is not in the specification is refused."""
    wrong = copy.deepcopy(COMPOSE)
    wrong["services"]["kafka"]["health_check"] = {}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(wrong, schema(), cls=jsonschema.Draft7Validator)


def test_what_is_asked_for_is_there() -> None:
    """One of each part, two workers, and the simulator only when it is asked for."""
    assert set(SERVICES) == ENDING | {
        "kafka", "postgres", "prometheus", "alertmanager", "grafana", "worker-1", "worker-2", "simulator",
    }  # fmt: skip
    assert [name for name in EVERY if SERVICES[name].get("profiles")] == ["simulator"]


@pytest.mark.parametrize("name", EVERY)
def test_every_image_is_one_exact_version(name: str) -> None:
    """At least two numbers, and none of the words that move."""
    assert re.fullmatch(r"[a-z0-9/-]+:v?\d+\.\d+(\.\d+)?(-[a-z]+)?", SERVICES[name]["image"])


def test_the_monitor_s_image_is_this_version_and_is_built_once() -> None:
    """By one service, from the top of the checkout."""
    own = {name for name in EVERY if SERVICES[name]["image"] == f"data-sharing-monitor:{__version__}"}
    assert own == {"migrate", "topics", "worker-1", "worker-2", "simulator"}
    built = {name: SERVICES[name]["build"] for name in EVERY if "build" in SERVICES[name]}
    assert built == {"worker-1": {"context": "..", "dockerfile": "deploy/Dockerfile"}}


def test_kafka_is_the_version_that_the_tests_run() -> None:
    """That of its Maven artifacts."""
    version = re.search(
        r"<kafka.version>([\d.]+)<", (DEPLOY / "kafka" / "pom.xml").read_text(encoding="utf-8")
    )
    assert version
    assert SERVICES["kafka"]["image"] == f"apache/kafka:{version[1]}"


@pytest.mark.parametrize("name", EVERY)
def test_every_port_is_on_the_loopback_address(name: str) -> None:
    """Only Grafana has a sign-in."""
    assert "network_mode" not in SERVICES[name]
    for port in SERVICES[name].get("ports", []):
        assert re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port), port


def test_published_ports_differ_and_their_services_reach_outside() -> None:
    """An internal network publishes nothing."""
    published = [port.rsplit(":", 1)[0] for name in EVERY for port in SERVICES[name].get("ports", [])]
    assert len(set(published)) == len(published)
    assert COMPOSE["networks"]["inside"]["internal"] is True
    for name in EVERY:
        assert ("outside" in SERVICES[name]["networks"]) == ("ports" in SERVICES[name]), name
        assert "inside" in SERVICES[name]["networks"], name


@pytest.mark.parametrize("name", EVERY)
def test_every_container_is_confined(name: str) -> None:
    """No capability, no way to one, nothing writable but what is named, bounded in all it may use."""
    service = SERVICES[name]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["read_only"] is (name not in WRITING)
    assert not service.keys() & {"privileged", "cap_add", "devices", "pid", "ipc", "userns_mode"}
    limits = service["deploy"]["resources"]["limits"]
    assert set(limits) == {"cpus", "memory", "pids"}
    assert service["logging"]["driver"] == "json-file"
    assert set(service["logging"]["options"]) == {"max-size", "max-file"}
    assert service["restart"] == ("no" if name in ENDING else "unless-stopped")


@pytest.mark.parametrize("name", EVERY)
def test_what_is_mounted_from_the_checkout_is_there_and_read_only(name: str) -> None:
    """What is written to is a named volume."""
    for source, target, read_only in mounts(SERVICES[name]):
        assert target.startswith("/")
        if source.startswith("."):
            assert read_only, source
            assert (DEPLOY / source).exists(), source
        else:
            assert source in COMPOSE["volumes"], source


def test_alertmanager_can_be_given_receivers_and_their_secrets() -> None:
    """As shipped it reaches nobody: what is to be done is said, and the folder takes nothing into git."""
    mounted = {target: source for source, target, _ in mounts(SERVICES["alertmanager"])}
    head = (DEPLOY / "compose.yaml").read_text(encoding="utf-8").split("\nname:")[0]
    for variable in ("ALERTMANAGER_CONFIG", "ALERTMANAGER_SECRETS"):
        assert variable in head
    assert (DEPLOY / mounted["/etc/alertmanager/secrets"] / ".gitignore").is_file()
    shipped = (DEPLOY / mounted["/etc/alertmanager/alertmanager.yml"]).read_text(encoding="utf-8")
    assert set(re.findall(r"_file: (\S+)/", shipped)) == {"/etc/alertmanager/secrets"}


def test_every_volume_is_used() -> None:
    """And by one service each; that of reports by every worker."""
    used: dict[str, list[str]] = {}
    for name in EVERY:
        for source, *_ in mounts(SERVICES[name]):
            if not source.startswith("."):
                used.setdefault(source, []).append(name)
    assert sorted(used) == sorted(COMPOSE["volumes"])
    assert used.pop("reports") == list(WORKERS)
    assert all(len(names) == 1 for names in used.values()), used


@pytest.mark.parametrize("name", WORKERS)
def test_a_worker_writes_to_the_folder_of_reports_and_nowhere_else(name: str) -> None:
    """A named volume, or the folder that a variable names, below which is what the setting says."""
    written = [target for _, target, read_only in mounts(SERVICES[name]) if not read_only]
    assert written == [SERVICES[name]["environment"]["MONITOR_REPORT_FOLDER"]]
    (volume,) = [each for each in SERVICES[name]["volumes"] if each.endswith(f":{written[0]}")]
    assert re.fullmatch(r"\$\{REPORT_FOLDER:-reports\}:/\S+", volume)
    (registry,) = [each for each in mounts(SERVICES[name]) if each[2]]
    assert [registry] == list(mounts(SERVICES["migrate"]))


def test_the_image_has_the_folder_of_reports_for_its_user() -> None:
    """A new volume takes its owner from the image; otherwise it would be root's, and nobody could write."""
    text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    (user,) = re.findall(r"^USER (\d+:\d+)", text, re.MULTILINE)
    folder = SERVICES["worker-1"]["environment"]["MONITOR_REPORT_FOLDER"]
    made = text.index(f"mkdir --parents {folder} ")
    assert made < text.index(f"chown {user} {folder} ") < text.index("\nUSER ")
    assert "\nFROM " not in text[made:]  # in what runs, not in what builds


def test_settings_of_reports_come_from_who_starts_it_or_not_at_all() -> None:
    """All but the folder, and workers alone have them; Compose means that by a variable without a value."""
    settings = {f"MONITOR_{field}".upper() for field in Settings.model_fields if field.startswith("report_")}
    assert {"MONITOR_REPORT_SCHEDULE", "MONITOR_REPORT_FOLDER", "MONITOR_REPORT_NARRATIVES"} <= settings
    for name in EVERY:
        environment = SERVICES[name].get("environment", {})
        left = {variable for variable, value in environment.items() if value is None}
        assert left == (settings - {"MONITOR_REPORT_FOLDER"} if name in WORKERS else set()), name


@pytest.mark.parametrize("name", WORKERS)
def test_one_variable_switches_reports_on(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As it stands there is no schedule; with the schedule alone there is one, and a folder for it."""
    set_up(name, monkeypatch, tmp_path)
    assert load_settings().report_schedule == ()
    set_up(name, monkeypatch, tmp_path, {"MONITOR_REPORT_SCHEDULE": "month,quarter"})
    settings = load_settings()
    assert settings.report_schedule == ("month", "quarter")
    assert str(settings.report_folder) in [target for _, target, ro in mounts(SERVICES[name]) if not ro]


def test_no_password_is_written_down() -> None:
    """Each comes from a file that is made; where a name sounds like a secret, its value is a file's path."""
    text = FILE.read_text(encoding="utf-8")
    assert not re.search(r"://[^\s/]+:[^\s/@]+@", text)
    for name in EVERY:
        for variable, value in SERVICES[name].get("environment", {}).items():
            if re.search(r"PASSWORD|SECRET|TOKEN|KEY", variable):
                assert variable.endswith("_FILE"), variable
                assert value.startswith("/run/secrets/"), variable
                assert value.removeprefix("/run/secrets/") in SERVICES[name]["secrets"], variable
    for service in SERVICES.values():
        assert set(service.get("secrets", [])) <= set(COMPOSE["secrets"])


def test_each_secret_is_a_file_that_git_does_not_take() -> None:
    """In one folder that is ignored."""
    for name, secret in COMPOSE["secrets"].items():
        assert secret == {"file": f"./compose/secrets/{name}"}
    ignored = (DEPLOY / "compose" / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert "secrets/" in ignored


def test_secrets_are_made_once_and_well(tmp_path: Path) -> None:
    """Those that compose.yaml names, long, all different, kept by a second run, in a folder for the owner."""
    script = tmp_path / "make-secrets"
    script.write_bytes((DEPLOY / "compose" / "make-secrets").read_bytes())
    assert os.access(DEPLOY / "compose" / "make-secrets", os.X_OK)

    def made() -> dict[str, str]:
        subprocess.run(["sh", str(script)], check=True, capture_output=True)
        return {path.name: path.read_text(encoding="ascii") for path in (tmp_path / "secrets").iterdir()}

    first = made()
    assert set(first) == set(COMPOSE["secrets"])
    assert len(set(first.values())) == len(first)
    assert all(re.fullmatch("[0-9a-f]{64}", each) for each in first.values())
    assert stat.S_IMODE((tmp_path / "secrets").stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "secrets").iterdir()} == {0o644}
    (tmp_path / "secrets" / "grafana-admin").unlink()
    second = made()
    assert second["pseudonym-key"] == first["pseudonym-key"]
    assert second["grafana-admin"] != first["grafana-admin"]


def test_nothing_starts_before_what_it_needs() -> None:
    """A service that is waited for has a health check, a command that is waited for ends."""
    for name in EVERY:
        for needed, how in SERVICES[name].get("depends_on", {}).items():
            if how["condition"] == "service_healthy":
                assert "test" in SERVICES[needed]["healthcheck"], needed
            else:
                assert how["condition"] == "service_completed_successfully"
                assert needed in ENDING
    for worker in WORKERS:
        assert set(SERVICES[worker]["depends_on"]) == {"migrate", "topics"}
        assert "healthcheck" not in SERVICES[worker]  # the image's
        assert int(SERVICES[worker]["stop_grace_period"].removesuffix("s")) > 10


@pytest.mark.parametrize("name", ["migrate", "topics", "simulator", "worker-1", "worker-2"])
def test_the_monitor_s_variables_are_settings_and_right(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """They load, a password comes from its file, and the addresses are those of services."""
    fields = {f"MONITOR_{field}".upper() for field in Settings.model_fields}
    for variable in SERVICES[name]["environment"]:
        assert variable.removesuffix("_FILE") in fields, variable
    set_up(name, monkeypatch, tmp_path)
    settings = load_settings()
    assert settings.sqlalchemy_url.password == the_secret("postgres-owner")
    assert settings.pseudonym_key is not None
    assert settings.sqlalchemy_url.host in SERVICES
    assert settings.kafka_bootstrap.split(":")[0] in SERVICES
    assert (
        f"INSIDE://{settings.kafka_bootstrap}"
        in SERVICES["kafka"]["environment"]["KAFKA_ADVERTISED_LISTENERS"]
    )
    assert settings.alertmanager_urls == ("http://alertmanager:9093",)


def test_workers_keep_different_names() -> None:
    """With one name between them they would throw each other out of the group."""
    names = [SERVICES[each]["environment"]["MONITOR_INSTANCE_ID"] for each in WORKERS]
    assert names == list(WORKERS)


@pytest.mark.parametrize("name", ["migrate", "topics", "simulator"])
def test_the_commands_exist(name: str) -> None:
    """With their options."""
    with cli.make_context("monitor", ["--help"], resilient_parsing=True) as context:
        words = [with_defaults(word) for word in SERVICES[name]["command"]]
        command = cli.get_command(context, words[0])
        assert command is not None
        options = {option for each in command.params for option in each.opts}
        assert {word for word in words if word.startswith("--")} <= options


def test_prometheus_scrapes_what_runs_here() -> None:
    """Every job's targets are services of this file under ports that they have; each worker is among them."""
    config = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text(encoding="utf-8"))
    files = {
        file
        for job in [*config["scrape_configs"], *config["alerting"]["alertmanagers"]]
        for source in job["file_sd_configs"]
        for file in source["files"]
    }
    assert (f"{DEPLOY}/compose/targets", "/etc/prometheus/targets", True) in [
        (str((DEPLOY / source).resolve()), target, ro)
        for source, target, ro in mounts(SERVICES["prometheus"])
    ]
    found = {
        file: [
            target
            for group in yaml.safe_load((DEPLOY / "compose" / file).read_text(encoding="utf-8"))
            for target in group["targets"]
        ]
        for file in files
    }
    assert found == {
        "targets/monitor.yml": ["worker-1:6066", "worker-2:6066"],
        "targets/alertmanager.yml": ["alertmanager:9093"],
        "targets/prometheus.yml": ["127.0.0.1:9090"],
    }


def test_grafana_gets_every_variable_that_provisioning_takes() -> None:
    """The password from its file, when it starts."""
    taken = set()
    for path in sorted((DEPLOY / "grafana" / "provisioning").rglob("*.yaml")):
        bare = re.sub(r"^\s*#.*$", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
        taken |= set(re.findall(r"\$(GRAFANA_[A-Z_]+)", bare))
    given = {each for each in SERVICES["grafana"]["environment"] if each.startswith("GRAFANA_")}
    assert taken == given | {"GRAFANA_POSTGRES_PASSWORD"}
    assert (
        'GRAFANA_POSTGRES_PASSWORD="$$(cat /run/secrets/postgres-grafana)"'
        in SERVICES["grafana"]["entrypoint"][2]
    )
    environment = SERVICES["grafana"]["environment"]
    targets = {target for _, target, _ in mounts(SERVICES["grafana"])}
    assert {environment["GF_PATHS_PROVISIONING"], environment["GRAFANA_DASHBOARDS"]} <= targets
