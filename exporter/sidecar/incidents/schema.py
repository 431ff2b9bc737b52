"""The tables of the incidents' SQLite file, and how each connection is set up."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlite3 import Connection

_WAIT_MS = 5000  # for a lock of another process, such as a backup
_WAL_BYTES = 16 * 2**20  # what the log is cut back to after a storm

# synchronous=FULL: what COMMIT said survives a crash of the machine too, not only ours.
_PRAGMAS = f"""
PRAGMA auto_vacuum=INCREMENTAL;
PRAGMA journal_mode=WAL;
PRAGMA synchronous=FULL;
PRAGMA foreign_keys=ON;
PRAGMA busy_timeout={_WAIT_MS};
PRAGMA journal_size_limit={_WAL_BYTES};
"""

_TABLES = """
CREATE TABLE IF NOT EXISTS evidence (
  number INTEGER PRIMARY KEY,
  scope TEXT NOT NULL, who TEXT NOT NULL, kpi TEXT NOT NULL,
  at REAL NOT NULL,
  body BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS evidence_about ON evidence (who, kpi, at);

CREATE TABLE IF NOT EXISTS incidents (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  fingerprint TEXT NOT NULL,
  alert TEXT NOT NULL, severity TEXT NOT NULL, kpi TEXT NOT NULL,
  scope TEXT NOT NULL, who TEXT NOT NULL,
  labels TEXT NOT NULL, annotations TEXT NOT NULL,
  opened REAL NOT NULL, received REAL NOT NULL, closed REAL,
  frozen INTEGER NOT NULL DEFAULT 0,
  evidence INTEGER REFERENCES evidence (number),
  causes TEXT NOT NULL DEFAULT '[]'
);
CREATE INDEX IF NOT EXISTS incidents_opened ON incidents (opened);
CREATE INDEX IF NOT EXISTS incidents_fingerprint ON incidents (fingerprint, opened);
CREATE INDEX IF NOT EXISTS incidents_who ON incidents (who, opened);
CREATE INDEX IF NOT EXISTS incidents_evidence ON incidents (evidence);
CREATE INDEX IF NOT EXISTS incidents_waiting ON incidents (scope, who, kpi)
  WHERE frozen = 0;

CREATE TABLE IF NOT EXISTS events (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  incident INTEGER NOT NULL REFERENCES incidents (seq) ON DELETE CASCADE,
  closed INTEGER NOT NULL,
  at REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS events_incident ON events (incident);

CREATE TABLE IF NOT EXISTS tidied (one INTEGER PRIMARY KEY, at REAL NOT NULL);

CREATE TABLE IF NOT EXISTS receivers (
  name TEXT PRIMARY KEY,
  told INTEGER NOT NULL,
  last INTEGER, message TEXT
);
"""
# receivers: `told` is the last event that arrived there; `message` is what is being
# sent, which tells everything up to the event `last`.


def set_up(connection: Connection) -> None:
    """Make a connection durable, and the tables if there are none."""
    connection.executescript(_PRAGMAS)
    connection.executescript(_TABLES)
