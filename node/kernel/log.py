"""Structured logs: one JSON object a line, with request and event ids from the context, and no secrets."""

import logging
import re
import sys
from functools import lru_cache

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from node.kernel.settings import LogFormat

_SECRET_KEYS = re.compile(
    r"secret|password|passwd|token|authorization|cookie|private|mnemonic|api_?key|signature",
    re.IGNORECASE,
)
_URL_PASSWORD = re.compile(r"(?P<scheme>\w+://[^:/@\s]*):[^@/\s]+@")
_BEARER = re.compile(r"(?i)bearer\s+[\w.~+/-]+=*")


def scrub(value: object) -> object:
    """Masks passwords inside URLs and bearer tokens inside any text."""
    if isinstance(value, str):
        if "://" in value:
            value = _URL_PASSWORD.sub(r"\g<scheme>:***@", value)
        return _BEARER.sub("Bearer ***", value) if "bearer" in value.lower() else value
    if isinstance(value, dict):
        return {k: "***" if _is_secret(str(k)) else scrub(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [scrub(item) for item in value]
    return value


def _scrub_event(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    for key, value in event.items():
        event[key] = "***" if _is_secret(key) else scrub(value)
    return event


@lru_cache(1_000)
def _is_secret(name: str) -> bool:
    return _SECRET_KEYS.search(name) is not None


def configure_logging(*, log_format: LogFormat, level: str) -> None:
    """Sends structlog and the standard library's loggers through the same processors to stderr."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _scrub_event,
    ]
    last: Processor = (
        structlog.processors.JSONRenderer()
        if log_format is LogFormat.JSON
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
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
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, last],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return logger
