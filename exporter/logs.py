"""Log lines: one per event, key=value or JSON, with every known secret masked."""

from __future__ import annotations

import json
import logging

from exporter.secret import mask


class Formatter(logging.Formatter):
    """Writes time, level, event and the fields of `extra={"fields": {...}}`."""

    def __init__(self, style: str) -> None:
        super().__init__()
        self._json = style == "json"

    def format(self, record: logging.LogRecord) -> str:
        """Write one record on one line."""
        fields = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            fields["traceback"] = self.formatException(record.exc_info)
        masked = {key: mask(str(value)) for key, value in fields.items()}
        if self._json:
            return json.dumps(masked, ensure_ascii=False)
        return " ".join(f"{key}={_quoted(value)}" for key, value in masked.items())


def _quoted(value: str) -> str:
    plain = value and value.isprintable() and not set(value) & set(' "=')
    return value if plain else json.dumps(value, ensure_ascii=False)


def set_up(style: str) -> None:
    """Send the log to standard error, in the style `text` or `json`."""
    handler = logging.StreamHandler()
    handler.setFormatter(Formatter(style))
    logging.basicConfig(handlers=[handler], level=logging.INFO, force=True)
    for noisy in ("apscheduler", "neo4j", "aiohttp", "psycopg"):
        logging.getLogger(noisy).setLevel(logging.CRITICAL)
