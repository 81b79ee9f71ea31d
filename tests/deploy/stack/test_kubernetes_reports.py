"""The optional part of the Kubernetes manifests: a volume for reports that workers share, and a schedule."""

from __future__ import annotations

import re
import shutil
import textwrap
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import yaml

from monitor.settings import Settings, load_settings
from tests.deploy.stack.test_kubernetes import FOLDER, README, RELEASES, Manifest, put_together, valid

# The lines of the example that take the part up: they stand there as remarks.
MARKED = re.compile(r"^( *)# (components:|- name: reports$|  envs: \[reports)", re.MULTILINE)


def switched_on(overlay: Path) -> None:
    """Take the marks away, as the README says."""
    file = overlay / "kustomization.yaml"
    text, taken = MARKED.subn(r"\1\2", file.read_text(encoding="utf-8"))
    assert taken == 3
    file.write_text(text, encoding="utf-8")


def patches() -> list[str]:
    """The patches that the README offers: a class of storage, a claim for one worker, a folder for each."""
    section = README.split("\n## Reports on a schedule\n")[1].split("\n## ")[0]
    return [
        textwrap.dedent(each) for each in re.findall(r"^ *```yaml\n(.*?)^ *```", section, re.DOTALL | re.M)
    ]


@cache
def rendered(*, on: bool, patch: str = "") -> tuple[Manifest, ...]:
    """A copy of the example, as it is or with reports, and with one more patch."""
    with TemporaryDirectory() as folder:
        copied = Path(folder) / "kubernetes"
        shutil.copytree(FOLDER, copied)
        if on:
            switched_on(copied / "example")
            with (copied / "example" / "kustomization.yaml").open("a", encoding="utf-8") as file:
                file.write(textwrap.indent(patch, "  "))  # its patches come last
        return put_together(copied / "example")


def of(kind: str, *, on: bool = True) -> dict[str, Manifest]:
    """The manifests of a kind, by name."""
    return {each["metadata"]["name"]: each for each in rendered(on=on) if each["kind"] == kind}


def pod(kind: str, name: str, *, on: bool = True) -> dict[str, Any]:
    """What a pod of it is."""
    found: dict[str, Any] = of(kind, on=on)[name]["spec"]["template"]["spec"]
    return found


def variables(its: dict[str, Any], *, on: bool = True) -> dict[str, str]:
    """What the one container of a pod is told, but for where its secrets are."""
    (container,) = its["containers"]
    found: dict[str, str] = {}
    for each in container["envFrom"]:
        found |= of("ConfigMap", on=on)[each["configMapRef"]["name"]]["data"]
    found |= {each["name"]: each["value"] for each in container["env"]}
    return {name: value for name, value in found.items() if "FILE" not in name and "SASL" not in name}


def loaded(its: dict[str, Any], monkeypatch: pytest.MonkeyPatch, folder: Path) -> Settings:
    """The settings that a pod makes of them."""
    monkeypatch.chdir(folder)
    with monkeypatch.context() as context:
        for name, value in variables(its).items():
            if name != "MONITOR_KAFKA_SECURITY_PROTOCOL":  # its user and password are left out
                context.setenv(name, value)
        return load_settings()


@pytest.mark.parametrize("release", RELEASES)
def test_every_manifest_is_valid(release: str) -> None:
    """With the part taken up, and the part's claim as it is written."""
    written = yaml.safe_load((FOLDER / "reports" / "claim.yaml").read_text(encoding="utf-8"))
    for each in (written, *rendered(on=True)):
        if each["kind"] != "ServiceMonitor":
            valid(each, release)


def test_it_is_not_there_unasked() -> None:
    """Without it no storage is claimed, and nothing is said of reports."""
    assert of("PersistentVolumeClaim", on=False) == {}
    assert not [
        name for name in variables(pod("Deployment", "worker", on=False), on=False) if "REPORT" in name
    ]


def test_it_adds_a_claim_and_a_map_and_changes_the_worker_alone() -> None:
    """All else is as it was: settings, peers, the migration."""
    before = {(each["kind"], each["metadata"]["name"]): each for each in rendered(on=False)}
    after = {(each["kind"], each["metadata"]["name"]): each for each in rendered(on=True)}
    assert {key for key in before if before[key] != after.get(key)} == {("Deployment", "worker")}
    added = sorted(kind for kind, _ in set(after) - set(before))
    assert added == ["ConfigMap", "PersistentVolumeClaim"]


def test_the_worker_keeps_what_it_had() -> None:
    """Maps, variables, volumes and mounts are added to, and none is replaced."""
    before, after = pod("Deployment", "worker", on=False), pod("Deployment", "worker")
    for name in ("envFrom", "env", "volumeMounts"):
        assert [
            each for each in before["containers"][0][name] if each not in after["containers"][0][name]
        ] == []
        assert len(after["containers"][0][name]) == len(before["containers"][0][name]) + 1
    assert [each for each in before["volumes"] if each not in after["volumes"]] == []
    assert before["securityContext"].items() <= after["securityContext"].items()
    assert after["containers"][0]["securityContext"]["readOnlyRootFilesystem"] is True


def test_all_workers_can_write_to_the_claim_at_once() -> None:
    """Whichever has the lease makes the report, wherever it runs: one node's volume keeps others out."""
    assert of("Deployment")["worker"]["spec"]["replicas"] > 1
    (claim,) = of("PersistentVolumeClaim").values()
    assert claim["spec"]["accessModes"] == ["ReadWriteMany"]
    assert claim["metadata"]["namespace"] == "data-sharing-monitor"
    (volume,) = [each for each in pod("Deployment", "worker")["volumes"] if "persistentVolumeClaim" in each]
    assert volume["persistentVolumeClaim"] == {"claimName": claim["metadata"]["name"]}


def test_the_folder_is_the_claim_and_the_only_place_that_is_written() -> None:
    """Where the setting says; all else that is mounted is read-only, but for /tmp."""
    its = pod("Deployment", "worker")
    mounted = {each["mountPath"]: each["name"] for each in its["containers"][0]["volumeMounts"]
               if not each.get("readOnly")}  # fmt: skip
    assert mounted.pop(variables(its)["MONITOR_REPORT_FOLDER"]) == "reports"
    assert list(mounted.values()) == ["tmp"]


def test_the_worker_has_a_schedule_and_the_migration_none(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The migration has no folder, and a schedule without one would be refused."""
    worker = loaded(pod("Deployment", "worker"), monkeypatch, tmp_path)
    assert worker.report_schedule == ("month",)
    assert worker.report_folder is not None
    migration = pod("Job", "migrate")
    assert not [name for name in variables(migration) if "REPORT" in name]
    assert loaded(migration, monkeypatch, tmp_path).report_schedule == ()


@pytest.mark.parametrize("number", range(3))
def test_the_readme_s_patches_do_what_it_says(number: int) -> None:
    """Each can be applied, and what comes of it is valid and no more than can be mounted."""
    found = rendered(on=True, patch=patches()[number])
    for each in found:
        if each["kind"] != "ServiceMonitor":
            valid(each, RELEASES[-1])
    claims = [each["spec"] for each in found if each["kind"] == "PersistentVolumeClaim"]
    (worker,) = [each["spec"] for each in found if each["kind"] == "Deployment"]
    (volume,) = [each for each in worker["template"]["spec"]["volumes"] if each["name"] == "reports"]
    told = (
        [claim.get("storageClassName") for claim in claims],
        [claim["accessModes"] for claim in claims],
        worker["replicas"],
        sorted(volume),
    )
    assert (
        told
        == [
            (["shared-files"], [["ReadWriteMany"]], 2, ["name", "persistentVolumeClaim"]),
            ([None], [["ReadWriteOnce"]], 1, ["name", "persistentVolumeClaim"]),
            ([], [], 2, ["emptyDir", "name"]),
        ][number]
    )


def test_the_readme_says_how_and_names_every_file() -> None:
    """And the kind of storage that it needs."""
    section = README.split("\n## Reports on a schedule\n")[1].split("\n## ")[0]
    assert "ReadWriteMany" in section
    assert len(patches()) == 3
    assert "example/reports.env" in section
    files = sorted(path.name for path in (FOLDER / "reports").iterdir())
    assert files == ["claim.yaml", "kustomization.yaml", "worker.yaml"]
    part = yaml.safe_load((FOLDER / "reports" / "kustomization.yaml").read_text(encoding="utf-8"))
    used = [*part["resources"], *(each["path"] for each in part["patches"] if "path" in each)]
    assert sorted([*used, "kustomization.yaml"]) == files
