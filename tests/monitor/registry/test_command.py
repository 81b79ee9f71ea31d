"""`monitor registry`: what people see and what scripts get back."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.monitor.registry.writing import agency, agreement, write_folder

WHEN = {"start": "2000-01-01", "end": "2999-12-31"}  # in force whenever the test runs


def run(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `monitor registry` as a program, away from any monitor.toml."""
    program = "from monitor.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", program, "registry", *arguments],
        cwd=folder,
        env={"PATH": "", "PYTHONUTF8": "1", **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_right_registry_is_summed_up(tmp_path: Path) -> None:
    """Exit 0, counts, versions in force, fingerprint; the folder comes from the settings."""
    write_folder(tmp_path / "reg", agreements=agreement(**WHEN))
    done = run(tmp_path, "check", MONITOR_REGISTRY="reg")
    assert done.returncode == 0, done.stderr
    assert "3 agencies, 2 services, 1 agreements in 1 versions" in done.stdout
    assert ": 1 active\n" in done.stdout
    assert "fingerprint " in done.stdout


def test_every_problem_is_a_line_and_the_exit_status_is_1(tmp_path: Path) -> None:
    """Problems go to standard output, the count to standard error."""
    write_folder(
        tmp_path, agencies=[agency("MPS"), agency("MOH", kind="club")], agreements=agreement(status="on")
    )
    done = run(tmp_path, "check", str(tmp_path))
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert [line.split()[0].split(":")[0] for line in lines] == [
        "agencies/all.yaml",
        "agreements/all.yaml",
        "services/all.yaml",
    ]
    assert "3 problems" in done.stderr


def test_wrong_settings_are_wrong_use(tmp_path: Path) -> None:
    """Exit 2, without a traceback."""
    done = run(tmp_path, "check", MONITOR_TIMEZONE="Mars/Olympus")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("MPS", ["code", "provides", "population.verify-identity"]),
        ("POLICE", ["code", "MPS"]),
        ("MOH", ["may ask", "AGR-1"]),
        ("population.verify-identity", ["provider", "full_name; date_of_birth; sex", "AGR-1"]),
        ("AGR-1", ["version 1: active", "title.vi", "Tên"]),
    ],
)
def test_a_record_is_shown(tmp_path: Path, name: str, expected: list[str]) -> None:
    """By code, previous code or id, with what belongs to it, as plain text where there is no terminal."""
    agencies = [agency("MPS", previous_codes=["POLICE"]), agency("MOH"), agency("VSS")]
    write_folder(tmp_path, agencies=agencies, agreements=agreement(**WHEN))
    done = run(tmp_path, "show", name, "--registry", str(tmp_path))
    assert done.returncode == 0, done.stderr
    for text in expected:
        assert text in done.stdout
    assert "\x1b" not in done.stdout


def test_an_unknown_name_is_wrong_use(tmp_path: Path) -> None:
    """Exit 2 and a sentence that names it."""
    done = run(tmp_path, "show", "NOBODY", "--registry", str(write_folder(tmp_path)))
    assert done.returncode == 2
    assert "NOBODY" in done.stderr


def test_show_refuses_a_wrong_registry(tmp_path: Path) -> None:
    """Exit 1 with the problems."""
    done = run(tmp_path, "show", "MPS", "--registry", str(write_folder(tmp_path, services="[")))
    assert done.returncode == 1
    assert "services/all.yaml" in done.stderr


def test_schemas_are_written(tmp_path: Path) -> None:
    """Three files, in a folder that is made."""
    done = run(tmp_path, "schema", "--out", "new/folder")
    assert done.returncode == 0, done.stderr
    written = sorted((tmp_path / "new" / "folder").iterdir())
    assert [path.name for path in written] == [
        "agency.schema.json",
        "agreement.schema.json",
        "service.schema.json",
    ]
    assert all(json.loads(path.read_text())["$schema"].endswith("2020-12/schema") for path in written)


def test_a_folder_that_cannot_be_written_is_a_problem(tmp_path: Path) -> None:
    """Exit 1 and a sentence."""
    (tmp_path / "file").write_text("")
    done = run(tmp_path, "schema", "--out", "file/schema")
    assert done.returncode == 1
    assert "cannot write" in done.stderr
