"""Structured logs: one line of JSON per event in production, readable lines elsewhere, and never a secret."""

from __future__ import annotations

import logging.config
import re
import sys
from collections.abc import MutableMapping
from typing import Any, Final, TypedDict

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

REDACTED: Final = "[redacted]"

_SECRET_NAME: Final = re.compile(
    r"(?i)passw|secret|authorization|cookie|credential|(^|_)(token|tokens|api_?key|server_?key|csrf\w*)$"
)
_SECRET_TEXT: Final = (
    (re.compile(r"(?i)\b(token|bearer|server|basic)(\s+)[\w.~+/=-]{8,}"), rf"\1\2{REDACTED}"),
    (re.compile(r"(://[^/\s:@]*:)[^/\s@]+@"), rf"\1{REDACTED}@"),
    (
        re.compile(r"(?i)([?&](?:access_token|auth_token|token|code|signature|x-amz-signature)=)[^&\s\"']+"),
        rf"\1{REDACTED}",
    ),
)


class LogOptions(TypedDict):
    """What the settings say about logs."""

    level: str
    json: bool


class StandardError(logging.Handler):
    """Writes to what is the standard error now, so that whoever redirects or captures it later is followed."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line; a fault in doing so is reported by ``logging`` in its usual way."""
        try:
            sys.stderr.write(self.format(record) + "\n")
            sys.stderr.flush()
        except Exception:  # noqa: BLE001 - the contract of logging: a log line never breaks what it tells about
            self.handleError(record)


def configure(options: LogOptions) -> None:
    """Set up logging of the process; Django calls this with its ``LOGGING`` setting."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    logging.config.dictConfig(_standard_logging(options, shared))


def redact(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """Remove everything that looks like a credential from an event."""
    del logger, method
    return {name: REDACTED if _SECRET_NAME.search(name) else _redacted(value) for name, value in event.items()}


def _redacted(value: Any) -> Any:
    if isinstance(value, str):
        for pattern, replacement in _SECRET_TEXT:
            value = pattern.sub(replacement, value)
        return value
    if isinstance(value, MutableMapping):
        return {name: REDACTED if _SECRET_NAME.search(str(name)) else _redacted(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_redacted(item) for item in value]
    return value


def _standard_logging(options: LogOptions, shared: list[Processor]) -> dict[str, Any]:
    formatter = {
        "()": structlog.stdlib.ProcessorFormatter,
        "foreign_pre_chain": shared,
        "processors": [
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            *_rendering(as_json=options["json"]),
        ],
    }
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"events": formatter},
        "handlers": {"stderr": {"()": StandardError, "formatter": "events"}},
        "root": {"handlers": ["stderr"], "level": options["level"]},
        "loggers": {
            # Our own line per request says the same, and more.
            "django.server": {"level": "WARNING"},
            "django.request": {"level": "ERROR"},
            "httpx": {"level": "WARNING"},
            "django_tasks": {"level": "WARNING"},
        },
    }


def _rendering(*, as_json: bool) -> list[Processor]:
    if as_json:
        return [structlog.processors.format_exc_info, redact, structlog.processors.JSONRenderer(default=str)]
    return [
        structlog.processors.format_exc_info,
        redact,
        structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
    ]
