"""The Kubernetes manifests: valid by the cluster's schemas, confined, and in step with the monitor."""

from __future__ import annotations

import copy
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]  # it has no types
import pytest
import yaml

from monitor import __version__
from monitor.cli import cli
from monitor.registry.load import load_registry
from monitor.settings import Settings, load_settings
from streams.readiness import DATABASE_WITHIN_S
from streams.stopping import STOP_WITHIN_S
from tests.parts import missing_part

ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / "deploy" / "kubernetes"
README = (FOLDER / "README.md").read_text(encoding="utf-8")
# The oldest and the newest release that the manifests are meant for.
RELEASES = ("1.31", "1.37")
Manifest = dict[str, Any]


def put_together(folder: Path) -> tuple[Manifest, ...]:
    """An overlay as `kubectl apply --kustomize` would send it; no cluster is asked."""
    program = shutil.which("kubectl")
    if program is None:
        missing_part("kubectl", "install it to put the manifests together")
    ran = subprocess.run([program, "kustomize", str(folder)], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert not ran.stderr, ran.stderr  # deprecations are told there
    return tuple(yaml.safe_load_all(ran.stdout))


@cache
def rendered() -> tuple[Manifest, ...]:
    """The example, put together."""
    return put_together(FOLDER / "example")


def written() -> dict[str, Manifest]:
    """The manifests of the base as they are written, by kind and name; these need no program."""
    return {
        f"{each['kind']}/{each['metadata']['name']}": each
        for path in sorted((FOLDER / "base").glob("*.yaml"))
        if path.name != "kustomization.yaml"
        for each in yaml.safe_load_all(path.read_text(encoding="utf-8"))
    }


def of(kind: str) -> list[Manifest]:
    """Rendered manifests of a kind."""
    return [each for each in rendered() if each["kind"] == kind]


def one(kind: str, name: str) -> Manifest:
    """The rendered manifest of that kind and name."""
    (found,) = [each for each in of(kind) if each["metadata"]["name"] == name]
    return found


def pods() -> dict[str, Manifest]:
    """The rendered pod templates."""
    return {
        "worker": one("Deployment", "worker")["spec"]["template"],
        "migrate": one("Job", "migrate")["spec"]["template"],
    }


def container(name: str) -> Manifest:
    """The one container of a pod."""
    (found,) = pods()[name]["spec"]["containers"]
    return dict(found)


def environment(name: str) -> dict[str, str]:
    """A container's variables: its maps', then its own."""
    found: dict[str, str] = {}
    for source in container(name)["envFrom"]:
        found |= one("ConfigMap", source["configMapRef"]["name"])["data"]
    return found | {each["name"]: each["value"] for each in container(name)["env"]}


def valid(manifest: Manifest, release: str) -> None:
    """Raise where a manifest is not what that release of Kubernetes takes, to the last key."""
    kubernetes_validate.validate(manifest, release, strict=True)


@pytest.mark.parametrize("release", RELEASES)
def test_every_manifest_is_valid(release: str) -> None:
    """As written and as put together; the Operator's own kind has no schema there."""
    for each in (*written().values(), *rendered()):
        if each["kind"] != "ServiceMonitor":
            valid(each, release)


def test_the_schemas_are_awake() -> None:
    """A key in the wrong place and a word for a number are refused."""
    for change in ({"replica": 2}, {"replicas": "two"}):
        wrong = copy.deepcopy(written()["Deployment/worker"])
        wrong["spec"] |= change
        with pytest.raises(kubernetes_validate.ValidationError):
            valid(wrong, RELEASES[-1])


def test_every_file_of_the_base_is_taken_up() -> None:
    """None lies there unused."""
    resources = yaml.safe_load((FOLDER / "base" / "kustomization.yaml").read_text(encoding="utf-8"))[
        "resources"
    ]
    assert sorted(resources) == sorted(
        path.name for path in (FOLDER / "base").glob("*.yaml") if path.name != "kustomization.yaml"
    )
    named = set(re.findall(r"`(base/[a-z-]+\.yaml)`", README))
    assert named == {f"base/{each}" for each in resources}


@pytest.mark.parametrize("name", ["worker", "migrate"])
def test_pods_keep_to_the_restricted_standard(name: str) -> None:
    """And to more: a read-only root, no token, bounded use."""
    pod, its = pods()[name]["spec"], container(name)
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert its["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert pod["automountServiceAccountToken"] is False
    assert pod["serviceAccountName"] == "data-sharing-monitor"
    assert not pod.keys() & {"hostNetwork", "hostPID", "hostIPC"}
    assert all(not each.keys() & {"hostPath"} for each in pod["volumes"])
    for kind in ("requests", "limits"):
        assert set(its["resources"][kind]) == {"cpu", "memory"}
    assert one("ServiceAccount", "data-sharing-monitor")["automountServiceAccountToken"] is False
    labels = one("Namespace", "data-sharing-monitor")["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


@pytest.mark.parametrize("name", ["worker", "migrate"])
def test_pods_run_as_the_image_s_user_and_this_version(name: str) -> None:
    """The number in the image is the number here; the tag is the program's version."""
    dockerfile = (ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8")
    (user,) = re.findall(r"^USER (\d+):", dockerfile, re.MULTILINE)
    context = pods()[name]["spec"]["securityContext"]
    assert {context["runAsUser"], context["runAsGroup"], context["fsGroup"]} == {int(user)}
    assert container(name)["image"] == f"registry.example.org/data-sharing-monitor:{__version__}"
    (command,) = container(name)["args"]
    assert command in cli.list_commands(cli.make_context("monitor", ["--help"], resilient_parsing=True))


def test_probes_ask_what_the_worker_answers() -> None:
    """Alive by /healthz, ready by /readyz, at the port it serves, and longer than an answer takes."""
    its = container("worker")
    assert its["ports"] == [{"name": "http", "containerPort": Settings.model_fields["web_port"].default}]
    paths = {probe: its[probe]["httpGet"]["path"] for probe in its if probe.endswith("Probe")}
    assert paths == {"startupProbe": "/healthz", "livenessProbe": "/healthz", "readinessProbe": "/readyz"}
    assert all(its[probe]["httpGet"]["port"] == "http" for probe in paths)
    assert its["readinessProbe"]["timeoutSeconds"] > DATABASE_WITHIN_S


def test_workers_are_replaced_and_evicted_one_by_one() -> None:
    """Two at the least, and each is given longer to stop than it takes."""
    spec = one("Deployment", "worker")["spec"]
    assert spec["replicas"] == 2
    assert spec["strategy"]["rollingUpdate"] == {"maxUnavailable": 1, "maxSurge": 0}
    assert spec["template"]["spec"]["terminationGracePeriodSeconds"] > STOP_WITHIN_S
    assert one("PodDisruptionBudget", "worker")["spec"]["maxUnavailable"] == 1
    keys = {each["topologyKey"] for each in spec["template"]["spec"]["topologySpreadConstraints"]}
    assert keys == {"kubernetes.io/hostname", "topology.kubernetes.io/zone"}


def test_selectors_find_the_workers_and_nothing_else() -> None:
    """A label that is renamed in one place would leave a worker without budget, service or policy."""
    deployment, job = one("Deployment", "worker"), one("Job", "migrate")
    workers = deployment["spec"]["template"]["metadata"]["labels"]
    migration = job["spec"]["template"]["metadata"]["labels"]
    selectors = [
        deployment["spec"]["selector"]["matchLabels"],
        one("PodDisruptionBudget", "worker")["spec"]["selector"]["matchLabels"],
        one("Service", "worker")["spec"]["selector"],
        one("NetworkPolicy", "worker")["spec"]["podSelector"]["matchLabels"],
        *(
            each["labelSelector"]["matchLabels"]
            for each in deployment["spec"]["template"]["spec"]["topologySpreadConstraints"]
        ),
    ]
    for selector in selectors:
        assert selector.items() <= workers.items()
        assert not selector.items() <= migration.items()
    service = one("Service", "worker")
    wanted = one("ServiceMonitor", "worker")["spec"]["selector"]["matchLabels"]
    assert wanted.items() <= service["metadata"]["labels"].items()
    both = one("NetworkPolicy", "database")["spec"]["podSelector"]["matchLabels"]
    assert both.items() <= workers.items()
    assert both.items() <= migration.items()


def test_nothing_comes_in_or_goes_out_but_what_is_named() -> None:
    """All is denied; the holes are names, database, Kafka, Alertmanager and Prometheus, each on its port."""
    nothing = one("NetworkPolicy", "nothing")["spec"]
    assert nothing == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    out, into = set(), set()
    for policy in of("NetworkPolicy"):
        for rule in policy["spec"].get("egress", []):
            for peer in rule["to"]:
                space = peer["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"]
                out |= {(space, port["port"]) for port in rule["ports"]}
        for rule in policy["spec"].get("ingress", []):
            for peer in rule["from"]:
                space = peer["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"]
                into |= {(space, port["port"]) for port in rule["ports"]}
    assert into == {("monitoring", "http")}
    assert out == {("kube-system", 53), ("postgresql", 5432), ("kafka", 9093), ("monitoring", 9093)}


def test_the_holes_are_where_the_settings_point() -> None:
    """The example's addresses lie in the namespaces, and on the ports, that its policies open."""
    given = environment("worker")
    assert given["MONITOR_KAFKA_BOOTSTRAP"].endswith(".kafka.svc:9093")
    assert ".postgresql.svc:5432/" in given["MONITOR_DATABASE_URL"]
    assert given["MONITOR_ALERTMANAGER_URLS"].endswith(".monitoring.svc:9093")


@pytest.mark.parametrize("name", ["worker", "migrate"])
def test_variables_are_settings_and_right(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """They load, and secrets come from files that are mounted."""
    monkeypatch.chdir(tmp_path)
    fields = {f"MONITOR_{field}".upper() for field in Settings.model_fields}
    mounted = [each["mountPath"] for each in container(name)["volumeMounts"]]
    for variable, value in environment(name).items():
        assert variable in fields or variable.removesuffix("_FILE") in fields, variable
        path = value
        if value.startswith("/run/secrets/"):
            assert any(value.startswith(f"{each}/") for each in mounted), value
            file = tmp_path / value.lstrip("/")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text("0123456789abcdef", encoding="utf-8")
            path = str(file)
        monkeypatch.setenv(variable, path)
    settings = load_settings()
    assert settings.sqlalchemy_url.get_backend_name() == "postgresql"
    if name == "worker":
        assert settings.kafka_security_protocol == "SASL_SSL"
        assert settings.pseudonym_key is not None


def test_secrets_are_named_and_none_is_written() -> None:
    """No manifest is a secret, no variable takes one, and the README names those that are mounted."""
    assert of("Secret") == []
    assert "secretKeyRef" not in yaml.safe_dump_all(rendered())
    named = set(
        re.findall(r"(?:secretName|name): (data-sharing-monitor-[a-z]+)", yaml.safe_dump_all(rendered()))
    )
    assert named == {
        "data-sharing-monitor-database",
        "data-sharing-monitor-pseudonyms",
        "data-sharing-monitor-kafka",
    }
    for name in named:
        assert name in README


def test_every_volume_is_mounted_and_maps_are_those_that_are_made() -> None:
    """A map that changes gets a new name, and the pods that use it are replaced."""
    maps = {each["metadata"]["name"] for each in of("ConfigMap")}
    assert all(re.search(r"-[a-z0-9]{10}$", each) for each in maps)
    used = set()
    for name, pod in pods().items():
        assert {each["name"] for each in pod["spec"]["volumes"]} == {
            each["name"] for each in container(name)["volumeMounts"]
        }
        used |= {each["configMap"]["name"] for each in pod["spec"]["volumes"] if "configMap" in each}
        used |= {each["configMapRef"]["name"] for each in container(name)["envFrom"]}
    assert used == maps


def test_the_mounted_registry_loads(tmp_path: Path) -> None:
    """The maps, mounted as they are mounted, make a registry without a problem."""
    base = environment("worker")["MONITOR_REGISTRY"]
    where = {each["name"]: each["mountPath"] for each in container("worker")["volumeMounts"]}
    for volume in pods()["worker"]["spec"]["volumes"]:
        if "configMap" in volume:
            folder = tmp_path / where[volume["name"]].removeprefix(f"{base}/")
            (folder / "..2026_data").mkdir(
                parents=True
            )  # as Kubernetes mounts a map: links into a hidden folder
            for file, text in one("ConfigMap", volume["configMap"]["name"])["data"].items():
                (folder / "..2026_data" / file).write_text(text, encoding="utf-8")
                (folder / file).symlink_to(folder / "..2026_data" / file)
    registry = load_registry(tmp_path)
    assert len(registry.agencies) == 2
    assert len(registry.services) == 1


def test_prometheus_scrapes_as_its_own_configuration_does() -> None:
    """The job that the rules know, as often, and with the same bounds."""
    (job,) = [
        each
        for each in yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text(encoding="utf-8"))[
            "scrape_configs"
        ]
        if each["job_name"] == "monitor"
    ]
    spec = one("ServiceMonitor", "worker")["spec"]
    (endpoint,) = spec["endpoints"]
    assert endpoint["relabelings"] == [{"targetLabel": "job", "replacement": job["job_name"]}]
    assert (endpoint["path"], endpoint["port"], endpoint["interval"]) == ("/metrics", "http", "15s")
    assert spec["sampleLimit"] == job["sample_limit"]
    assert spec["bodySizeLimit"] == job["body_size_limit"]
    assert spec["labelValueLengthLimit"] == job["label_value_length_limit"]
