"""Apache Kafka on this computer with one command: a single KRaft node on the loopback address, no container.

kafka start --data DIR [--port PORT] [--foreground]   start; prints the bootstrap address when it answers
kafka stop --data DIR                                  stop the one started on DIR
kafka perf-consumer ARGUMENTS                          Kafka's own consumer benchmark
kafka run CLASS ARGUMENTS                              another tool, e.g. org.apache.kafka.tools.TopicCommand
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from types import FrameType

from artifacts import LocalKafkaError, classpath, java, prepared

HOST = "127.0.0.1"
START_SECONDS = 90.0  # about 2 s on an idle machine; a loaded one with two cores has needed 15
STOP_SECONDS = 30.0
ATTEMPTS = 3  # a port that was free a moment ago can be taken by the time the broker binds it
DEFAULT_HEAP = "1g"
# ApiVersions version 0 with correlation id 1 and no client id: the first thing any client asks.
_API_VERSIONS = struct.pack(">ihhih", 10, 18, 0, 1, -1)
# The shell leaves a watcher behind and becomes the broker. The watcher reads a pipe that only this process
# holds: a line means an orderly end, a closed pipe means that this process died in whatever way.
_LEASH = 'exec 3<&0 </dev/null; ( read -r _ <&3 || kill "$$" ) & exec 3<&-; exec "$@"'

SERVER = """\
process.roles=broker,controller
node.id=1
listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller}
advertised.listeners=PLAINTEXT://{host}:{port}
controller.listener.names=CONTROLLER
controller.quorum.voters=1@{host}:{controller}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={logs}
# A name that nobody declared is a mistake, not a new topic with wrong settings.
auto.create.topics.enable=false
# One node: nothing can be replicated, and few internal partitions start faster.
offsets.topic.replication.factor=1
offsets.topic.num.partitions=8
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
# The first member of a group need not wait 3 s for others.
group.initial.rebalance.delay.ms=0
# A broker that was killed and starts again waits until its old session is over: with 9 s, most of its start.
broker.session.timeout.ms=5000
broker.heartbeat.interval.ms=1000
log.cleaner.dedupe.buffer.size=16777216
"""

LOGGING = """\
status=error
appender.file.type=RollingFile
appender.file.name=file
appender.file.fileName={file}
appender.file.filePattern={file}.%i
appender.file.layout.type=PatternLayout
appender.file.layout.pattern=%d{{ISO8601}} %p %c{{1}} %m%n
appender.file.policies.type=SizeBasedTriggeringPolicy
appender.file.policies.size=20MB
appender.file.strategy.type=DefaultRolloverStrategy
appender.file.strategy.max=2
rootLogger.level=info
rootLogger.appenderRef.file.ref=file
"""

QUIET = """\
status=error
appender.err.type=Console
appender.err.name=err
appender.err.target=SYSTEM_ERR
appender.err.layout.type=PatternLayout
appender.err.layout.pattern=%p %m%n
rootLogger.level=warn
rootLogger.appenderRef.err.ref=err
"""


class Broker:
    """One Kafka node on a data folder; it ends with this process unless it is let go with `detached`."""

    def __init__(
        self, data: Path, port: int = 0, heap: str = DEFAULT_HEAP, *, detached: bool = False
    ) -> None:
        self.data = data.resolve()
        self.heap = heap
        self.detached = detached
        self._wanted_port = port
        self.port = port
        self._process: subprocess.Popen[bytes] | None = None
        self._leash = -1

    @property
    def bootstrap(self) -> str:
        """Address for clients, host:port."""
        return f"{HOST}:{self.port}"

    @property
    def pid(self) -> int:
        """Process id of the broker's Java."""
        assert self._process  # noqa: S101  # started
        return self._process.pid

    def start(self, ready: Path, *options: str) -> None:
        """Start and return when it answers; `options` go to Java. LocalKafkaError ends with its log."""
        if self._wanted_port and not _is_free(self._wanted_port):
            raise LocalKafkaError(
                f"Port {self._wanted_port} is taken by another program: choose another, or 0."
            )
        for attempt in range(1, ATTEMPTS + 1):
            self.port = self._wanted_port or _free_port()
            self._launch(ready, options)
            if self._answers():
                return
            problem = self._why()
            self.stop()
            if self._wanted_port or "Address already in use" not in problem or attempt == ATTEMPTS:
                raise LocalKafkaError(
                    f"Kafka did not start on {self.bootstrap}; the end of {self.data}/broker.out:\n{problem}"
                )

    def wait(self) -> int:
        """Wait until the broker ends; its exit status."""
        assert self._process  # noqa: S101  # started
        return self._process.wait()

    def stop(self) -> None:
        """Stop the broker, by force after 30 seconds; stopping twice is no error."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None
        if self._leash >= 0:
            with suppress(BrokenPipeError):
                os.write(self._leash, b"\n")
            os.close(self._leash)
            self._leash = -1
        (self.data / "broker.pid").unlink(missing_ok=True)

    def _launch(self, ready: Path, options: tuple[str, ...]) -> None:
        logs = self.data / "logs"
        if not (logs / "meta.properties").exists():
            shutil.copytree(ready / "formatted", logs, dirs_exist_ok=True)
        with suppress(FileNotFoundError):
            (self.data / "server.log").replace(self.data / "server.log.previous")
        config = self.data / "server.properties"
        config.write_text(
            SERVER.format(host=HOST, port=self.port, controller=_free_port(), logs=logs), encoding="utf-8"
        )
        logging = self.data / "log4j2.properties"
        logging.write_text(LOGGING.format(file=self.data / "server.log"), encoding="utf-8")
        command = [java(), f"-Xmx{self.heap}", *options, "-cp", classpath(ready)]
        command += [f"-Dlog4j2.configurationFile={logging}", "kafka.Kafka", str(config)]
        archive = ready / "classes.jsa"
        if archive.exists():
            command.insert(1, f"-XX:SharedArchiveFile={archive}")
        with (self.data / "broker.out").open("wb") as out:
            self._process = (
                self._unleashed(command, out.fileno())
                if self.detached
                else self._leashed(command, out.fileno())
            )
        (self.data / "broker.pid").write_text(f"{self._process.pid}\n", encoding="utf-8")

    def _leashed(self, command: list[str], out: int) -> subprocess.Popen[bytes]:
        read, self._leash = os.pipe()
        try:
            # Its own session: Ctrl-C in the terminal reaches this process, which stops the broker in order.
            return subprocess.Popen(  # noqa: S603  # fixed arguments
                ["/bin/sh", "-c", _LEASH, "sh", *command],
                stdin=read,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        finally:
            os.close(read)

    @staticmethod
    def _unleashed(command: list[str], out: int) -> subprocess.Popen[bytes]:
        return subprocess.Popen(  # noqa: S603  # fixed arguments
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True
        )

    def _answers(self) -> bool:
        assert self._process  # noqa: S101  # launched
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            # Its own word as well as an answer: another broker may have been quicker to take the port.
            if self._says_started():
                with suppress(OSError), socket.create_connection((HOST, self.port), 1) as connection:
                    connection.settimeout(5)
                    connection.sendall(_API_VERSIONS)
                    if connection.recv(1):
                        return True
            time.sleep(0.05)
        return False

    def _says_started(self) -> bool:
        try:
            return b"Kafka Server started" in (self.data / "server.log").read_bytes()
        except FileNotFoundError:
            return False

    def _why(self) -> str:
        text = ""
        for name in ("server.log", "broker.out"):
            with suppress(OSError):
                text += (self.data / name).read_text(encoding="utf-8", errors="replace")[-1500:]
        return text


def warm_up(ready: Path, archive: Path) -> None:
    """Run a broker once on a scratch folder so that Java writes its class archive when it ends."""
    scratch = ready / "warm-up"
    scratch.mkdir(exist_ok=True)
    broker = Broker(scratch)
    try:
        broker.start(ready, f"-XX:ArchiveClassesAtExit={archive}")
    finally:
        broker.stop()
        shutil.rmtree(scratch, ignore_errors=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # A port whose last connections are still fading is free, as it is for the broker.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")


def _start(data: Path, port: int, heap: str, *, foreground: bool) -> int:
    data.mkdir(parents=True, exist_ok=True)
    ready = prepared(warm_up, _say)
    broker = Broker(data, port, heap, detached=not foreground)

    def leave(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, leave)
    try:
        broker.start(ready)
        sys.stdout.write(f"{broker.bootstrap}\n")
        sys.stdout.flush()
        if not foreground:
            _say(f"Kafka runs (process {broker.pid}); stop it with: deploy/kafka/kafka stop --data {data}")
            return 0
        return broker.wait()
    except KeyboardInterrupt:
        broker.stop()
        return 0


def _stop(data: Path) -> int:
    pid_file = data / "broker.pid"
    try:
        pid = int(pid_file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        _say(f"No Kafka was started on {data}.")
        return 1
    if _runs(pid, data):
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        while _runs(pid, data):
            if time.monotonic() > deadline:
                os.kill(pid, signal.SIGKILL)
                break
            time.sleep(0.05)
    pid_file.unlink(missing_ok=True)
    return 0


def _runs(pid: int, data: Path) -> bool:
    """Whether the process is the broker on this folder: a process id is used again after a restart."""
    if Path("/proc/self").exists():
        try:
            shown = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
        except OSError:
            return False
    else:
        ps = ["/bin/ps", "-ww", "-o", "command=", "-p", str(pid)]
        shown = subprocess.run(ps, capture_output=True, text=True, check=False).stdout  # noqa: S603  # fixed
    return str(data.resolve() / "server.properties") in shown


def _tool(name: str, arguments: list[str]) -> int:
    ready = prepared(warm_up, _say)
    quiet = ready / "tools.properties"
    if not quiet.exists():
        quiet.write_text(QUIET, encoding="utf-8")
    command = [
        java(),
        f"-Xmx{DEFAULT_HEAP}",
        f"-Dlog4j2.configurationFile={quiet}",
        "-cp",
        classpath(ready),
        name,
    ]
    os.execv(command[0], [*command, *arguments])  # noqa: S606  # Java, found above


def main(arguments: list[str]) -> int:
    """Run one of the commands in the head of this file; 0 done, 1 problem, 2 wrong use."""
    parser = argparse.ArgumentParser(
        prog="kafka", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    start = commands.add_parser("start")
    start.add_argument("--data", type=Path, required=True, help="folder for its files; kept between starts")
    start.add_argument("--port", type=int, default=9092, help="0 chooses a free one; default 9092")
    start.add_argument("--heap", default=DEFAULT_HEAP, help="Java heap; default 1g")
    start.add_argument(
        "--foreground", action="store_true", help="stay, and stop the broker when told to stop"
    )
    stop = commands.add_parser("stop")
    stop.add_argument("--data", type=Path, required=True)
    # Listed for the help; their arguments are the tool's own and are never looked at here.
    commands.add_parser("perf-consumer")
    commands.add_parser("run")
    try:
        if arguments[:1] == ["perf-consumer"]:
            return _tool("org.apache.kafka.tools.ConsumerPerformance", arguments[1:])
        if arguments[:1] == ["run"] and len(arguments) > 1:
            return _tool(arguments[1], arguments[2:])
        given = parser.parse_args(arguments)
        if given.command == "start":
            return _start(given.data, given.port, given.heap, foreground=given.foreground)
        if given.command == "stop":
            return _stop(given.data)
        parser.error("run needs a class")
    except LocalKafkaError as problem:
        _say(str(problem))
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
