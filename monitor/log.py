"""The one set-up of logging: structlog in front, the libraries' loggers through the same lines."""

from __future__ import annotations

import logging
import sys

import structlog

from monitor.settings import Settings

# Libraries whose every step is of no interest to operators.
_QUIET = {
    "aiokafka": logging.ERROR,
    "faust": logging.WARNING,
    "mode": logging.WARNING,
    "kafka": logging.WARNING,
    "alembic": logging.WARNING,
    "aiohttp.access": logging.WARNING,
    "streams.transport.driver": logging.WARNING,
}


QUIET_S = 30.0  # aiokafka says at every attempt, a hundred times a second, that a broker is away


class Repeats(logging.Filter):
    """Lets a library's message through once in QUIET_S seconds, whatever its arguments; ours all pass."""

    def __init__(self) -> None:
        super().__init__()
        self._last: dict[tuple[str, str], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to log a record."""
        if not record.name.startswith("aiokafka"):
            return True
        key = (record.name, str(record.msg))
        if record.created - self._last.get(key, 0.0) < QUIET_S:
            return False
        self._last[key] = record.created
        return True


def set_up_logging(settings: Settings) -> None:
    """Log to standard error, as lines for people or as JSON for machines."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    if settings.log_format == "json":
        finish: list[structlog.typing.Processor] = [
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ]
    else:
        finish = [
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(),
                exception_formatter=structlog.dev.plain_traceback,  # a rich one prints variables, secrets too
            )
        ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *finish],
        )
    )
    handler.addFilter(Repeats())
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(settings.log_level.upper())
    if settings.log_level != "debug":
        for name, level in _QUIET.items():
            logging.getLogger(name).setLevel(level)
