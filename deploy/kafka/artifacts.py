"""What a local Kafka needs on disk: its jars, a formatted empty log folder and a class archive, fetched once.

Everything lies in one folder per release below `.parts/` (or MONITOR_PARTS_DIR). It is made under another
name and renamed when complete, under a lock, so that processes that start together share one copy.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

HERE = Path(__file__).resolve().parent
POM = HERE / "pom.xml"
JAVA_NEEDED = 17  # Kafka 4 brokers do not run on less.
# Every local cluster has the same id: the formatted folder is copied, not made anew. 16 bytes in base64.
CLUSTER_ID = "bG9jYWwtbW9uaXRvci0wMQ"


class LocalKafkaError(Exception):
    """A tool or artifact is not there, or Kafka did not start; the message says what to do."""


def java() -> str:
    """Path of a Java that can run the broker; JAVA_HOME wins over PATH. Raises LocalKafkaError."""
    home = os.environ.get("JAVA_HOME")
    found = shutil.which("java", path=str(Path(home) / "bin")) if home else shutil.which("java")
    if found is None:
        where = f"in JAVA_HOME={home}" if home else "on PATH"
        raise LocalKafkaError(
            f"Java is not {where}: install Java {JAVA_NEEDED} or later (Debian: openjdk-17-jre-headless)."
        )
    said = subprocess.run([found, "-version"], capture_output=True, text=True, check=False)  # noqa: S603  # Java
    version = re.search(r'version "(\d+)', said.stderr)
    if version is None or int(version[1]) < JAVA_NEEDED:
        raise LocalKafkaError(f"{found} is too old for Kafka 4: install Java {JAVA_NEEDED} or later.")
    return found


def version() -> str:
    """The Kafka release named in pom.xml."""
    found = re.search(r"<kafka\.version>([^<]+)<", POM.read_text(encoding="utf-8"))
    assert found, f"{POM} names no kafka.version"  # noqa: S101  # a defect of this folder
    return found[1]


def folder() -> Path:
    """Where the artifacts of this pom.xml lie: another release, or another pom.xml, is another folder."""
    parts = Path(os.environ.get("MONITOR_PARTS_DIR") or HERE.parents[1] / ".parts")
    digest = hashlib.sha256(POM.read_bytes()).hexdigest()[:8]
    return parts / f"kafka-{version()}-{digest}"


def prepared(warm_up: Callable[[Path, Path], None], say: Callable[[str], None]) -> Path:
    """Return the complete folder (`libs/`, `formatted/`, perhaps `classes.jsa`), made on the first call.

    `warm_up(folder, archive)` runs a broker once so that Java writes its loaded classes to `archive`: starts
    then take a third of the time. Raises LocalKafkaError when Java or Maven is not there or the fetch fails.
    """
    ready = folder()
    if ready.is_dir():
        return ready
    runtime = java()
    ready.parent.mkdir(parents=True, exist_ok=True)
    with ready.with_name(f"{ready.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if ready.is_dir():  # another process made it while this one waited
            return ready
        work = ready.with_name(f"{ready.name}.unfinished")
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir()
        say(f"Fetching Apache Kafka {version()} (once) ...")
        _fetch(work / "libs")
        _format(runtime, work)
        # Java checks the archive against the path of each jar, so it is written after the rename.
        work.rename(ready)
        with suppress(
            OSError, subprocess.SubprocessError, LocalKafkaError
        ):  # without it starts are only slower
            warm_up(ready, ready / "classes.unfinished")
            (ready / "classes.unfinished").rename(ready / "classes.jsa")
    return ready


def classpath(ready: Path) -> str:
    """Every jar in a fixed order (the class archive is only valid for the order it was written with)."""
    return os.pathsep.join(str(jar) for jar in sorted((ready / "libs").glob("*.jar")))


def _fetch(libs: Path) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise LocalKafkaError("Maven (mvn) is not on PATH: install it (Debian: apt-get install maven).")
    copy = [maven, "-q", "-B", "-f", str(POM), "dependency:copy-dependencies"]
    copy += ["-DincludeScope=runtime", f"-DoutputDirectory={libs}"]
    done = subprocess.run(copy, capture_output=True, text=True, check=False)  # noqa: S603  # fixed arguments
    if done.returncode:
        problem = next((line for line in done.stdout.splitlines() if "[ERROR]" in line), done.stderr.strip())
        raise LocalKafkaError(f"Maven could not fetch Apache Kafka {version()}: {problem}")


def _format(runtime: str, work: Path) -> None:
    """Format an empty log folder once: 3 seconds of Java that every later start is spared."""
    logs = work / "formatted"
    config = work / "format.properties"
    config.write_text(
        "process.roles=broker,controller\nnode.id=1\ncontroller.listener.names=CONTROLLER\n"
        "listeners=PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093\n"
        f"controller.quorum.voters=1@127.0.0.1:9093\nlog.dirs={logs}\n",
        encoding="utf-8",
    )
    command = [runtime, "-cp", classpath(work), "kafka.tools.StorageTool", "format"]
    command += ["--cluster-id", CLUSTER_ID, "--config", str(config)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  # fixed arguments
    if done.returncode:
        raise LocalKafkaError(
            f"Kafka could not format its storage: {(done.stderr or done.stdout).strip()[-500:]}"
        )
