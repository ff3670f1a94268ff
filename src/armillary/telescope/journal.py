"""What a telescope's agent must not forget when it is killed.

One small SQLite file per telescope. Every fact is committed to disk before the agent acts on it, so that a new process
with the same file knows which observation was running, which exposures exist, which reports the portal has not
acknowledged, and which files the archive does not have yet.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS schedule (only INTEGER PRIMARY KEY CHECK (only = 1), read_at TEXT NOT NULL,
    document TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS current (only INTEGER PRIMARY KEY CHECK (only = 1), observation INTEGER NOT NULL,
    began TEXT NOT NULL, document TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS configuration (status INTEGER PRIMARY KEY, began TEXT NOT NULL, exposures_began TEXT,
    closed INTEGER NOT NULL DEFAULT 0, events TEXT NOT NULL DEFAULT '[]');
CREATE TABLE IF NOT EXISTS exposure (status INTEGER NOT NULL, number INTEGER NOT NULL, began TEXT NOT NULL,
    exposure_time_s REAL NOT NULL, files TEXT NOT NULL, made INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (status, number));
CREATE TABLE IF NOT EXISTS report (sequence INTEGER PRIMARY KEY AUTOINCREMENT, status INTEGER NOT NULL,
    body TEXT NOT NULL, refusal TEXT);
CREATE TABLE IF NOT EXISTS frame (path TEXT PRIMARY KEY, refusal TEXT);
CREATE TABLE IF NOT EXISTS closed (observation INTEGER PRIMARY KEY, at TEXT NOT NULL, outcome TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS observed (request INTEGER PRIMARY KEY, last_report INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS file_number (camera TEXT NOT NULL, night TEXT NOT NULL, last INTEGER NOT NULL,
    PRIMARY KEY (camera, night));
"""


@dataclass(frozen=True, slots=True)
class Running:
    """The observation that was begun and not closed."""

    observation: int
    began: datetime
    document: dict[str, Any]
    """The observation as the portal's schedule gave it."""


@dataclass(frozen=True, slots=True)
class ConfigurationRecord:
    """What is known about a configuration of the running observation."""

    status: int
    began: datetime
    exposures_began: datetime | None
    closed: bool
    events: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True)
class ExposureRecord:
    """An exposure that was begun."""

    status: int
    number: int
    """Counts from 0 within the configuration."""
    began: datetime
    exposure_time_s: float
    files: tuple[Path, ...]
    made: bool


@dataclass(frozen=True, slots=True)
class Report:
    """A change of a configuration's status that the portal has not acknowledged."""

    sequence: int
    status: int
    body: dict[str, Any]
    """The body of PATCH /api/configurationstatus/<status>/."""


class Journal:
    """The agent's memory; used by one process at a time (a second one is refused)."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._database = sqlite3.connect(path, isolation_level=None, timeout=1.0, check_same_thread=False)
        try:
            self._database.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._database.execute("PRAGMA synchronous = FULL")
            self._database.executescript(_SCHEMA)
            self._database.execute("BEGIN EXCLUSIVE")
            self._database.execute("COMMIT")
        except sqlite3.OperationalError as error:
            self._database.close()
            raise JournalInUse(f"the journal {path} is in use by another agent of this telescope: {error}") from error

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    @contextmanager
    def together(self) -> Iterator[None]:
        """Everything written inside reaches the disk together or not at all."""
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")

    # The schedule

    def remember_schedule(self, read_at: datetime, observations: list[dict[str, Any]]) -> None:
        """Keep the schedule as last read, to observe by while the portal is away.

        The portal made it in the knowledge of every report that it has acknowledged.
        """
        with self.together():
            self._database.execute(
                "INSERT OR REPLACE INTO schedule VALUES (1, ?, ?)", (read_at.isoformat(), json.dumps(observations))
            )
            self._database.execute(
                "DELETE FROM observed WHERE NOT EXISTS "
                "(SELECT 1 FROM report WHERE sequence <= last_report AND refusal IS NULL)"
            )

    def schedule(self) -> list[dict[str, Any]]:
        """The schedule as last read."""
        row = self._database.execute("SELECT document FROM schedule").fetchone()
        return [] if row is None else list(json.loads(row[0]))

    # The running observation

    def begin_observation(self, observation: int, at: datetime, document: Mapping[str, Any]) -> None:
        """From now on this observation is running."""
        self._database.execute(
            "INSERT INTO current VALUES (1, ?, ?, ?)", (observation, at.isoformat(), json.dumps(document))
        )

    def running(self) -> Running | None:
        """The observation that is running."""
        row = self._database.execute("SELECT observation, began, document FROM current").fetchone()
        return None if row is None else Running(row[0], datetime.fromisoformat(row[1]), json.loads(row[2]))

    def close_observation(self, observation: int, at: datetime, outcome: str) -> None:
        """It is over and must never be begun again."""
        self._database.execute("INSERT OR REPLACE INTO closed VALUES (?, ?, ?)", (observation, at.isoformat(), outcome))
        self._database.execute("DELETE FROM current WHERE observation = ?", (observation,))
        self._database.execute("DELETE FROM configuration")
        self._database.execute("DELETE FROM exposure")

    def is_closed(self, observation: int) -> bool:
        """Whether an observation is over, whatever the portal's schedule still says."""
        row = self._database.execute("SELECT 1 FROM closed WHERE observation = ?", (observation,)).fetchone()
        return row is not None

    def outcome_of(self, observation: int) -> str | None:
        """How a closed observation ended."""
        row = self._database.execute("SELECT outcome FROM closed WHERE observation = ?", (observation,)).fetchone()
        return None if row is None else str(row[0])

    # Its configurations and exposures

    def begin_configuration(self, status: int, at: datetime) -> None:
        """Work on a configuration begins."""
        self._database.execute(
            "INSERT OR IGNORE INTO configuration (status, began) VALUES (?, ?)", (status, at.isoformat())
        )

    def begin_exposures(self, status: int, at: datetime) -> None:
        """The first exposure of a configuration begins; only the first call counts."""
        self._database.execute(
            "UPDATE configuration SET exposures_began = ? WHERE status = ? AND exposures_began IS NULL",
            (at.isoformat(), status),
        )

    def add_event(self, status: int, event: Mapping[str, Any]) -> None:
        """Something worth telling the astronomer happened."""
        self._database.execute(
            "UPDATE configuration SET events = json_insert(events, '$[#]', json(?)) WHERE status = ?",
            (json.dumps(event), status),
        )

    def close_configuration(self, status: int) -> None:
        """Nothing more will be done for a configuration."""
        self._database.execute("UPDATE configuration SET closed = 1 WHERE status = ?", (status,))

    def configuration(self, status: int) -> ConfigurationRecord | None:
        """What is known about a configuration, if it was begun."""
        row = self._database.execute(
            "SELECT status, began, exposures_began, closed, events FROM configuration WHERE status = ?", (status,)
        ).fetchone()
        if row is None:
            return None
        began = None if row[2] is None else datetime.fromisoformat(row[2])
        return ConfigurationRecord(
            row[0], datetime.fromisoformat(row[1]), began, bool(row[3]), tuple(json.loads(row[4]))
        )

    def begin_exposure(self, record: ExposureRecord) -> None:
        """An exposure begins; its files will have these names."""
        self._database.execute(
            "INSERT OR REPLACE INTO exposure VALUES (?, ?, ?, ?, ?, 0)",
            (
                record.status,
                record.number,
                record.began.isoformat(),
                record.exposure_time_s,
                json.dumps([str(path) for path in record.files]),
            ),
        )

    def finish_exposure(self, status: int, number: int, files: tuple[Path, ...]) -> None:
        """An exposure is on disk; its files wait for the archive."""
        self._database.execute("UPDATE exposure SET made = 1 WHERE status = ? AND number = ?", (status, number))
        self._database.executemany("INSERT OR IGNORE INTO frame (path) VALUES (?)", [(str(path),) for path in files])

    def exposures(self, status: int) -> list[ExposureRecord]:
        """The exposures begun for a configuration, in order."""
        rows = self._database.execute(
            "SELECT status, number, began, exposure_time_s, files, made FROM exposure WHERE status = ? ORDER BY number",
            (status,),
        )
        return [
            ExposureRecord(
                row[0], row[1], datetime.fromisoformat(row[2]), row[3],
                tuple(Path(path) for path in json.loads(row[4])), bool(row[5]),
            )
            for row in rows
        ]  # fmt: skip

    def next_file_number(self, camera: str, night: str) -> int:
        """A number no other file of this camera and night has; counts from 1."""
        row = self._database.execute(
            "INSERT INTO file_number VALUES (?, ?, 1) ON CONFLICT DO UPDATE SET last = last + 1 RETURNING last",
            (camera, night),
        ).fetchone()
        return int(row[0])

    # What has to be delivered

    def queue_report(self, status: int, body: Mapping[str, Any]) -> None:
        """Tell the portal, in this order, until it acknowledges."""
        self._database.execute("INSERT INTO report (status, body) VALUES (?, ?)", (status, json.dumps(body)))

    def remember_observed(self, request: int) -> None:
        """A request is observed completely; the reports queued so far say so to the portal."""
        self._database.execute(
            "INSERT OR REPLACE INTO observed VALUES (?, (SELECT coalesce(max(sequence), 0) FROM report))", (request,)
        )

    def is_observed_after_reading(self, request: int) -> bool:
        """Whether a request was observed completely and the schedule was last read without the portal knowing it."""
        row = self._database.execute("SELECT 1 FROM observed WHERE request = ?", (request,)).fetchone()
        return row is not None

    def next_report(self, held: Collection[int] = ()) -> Report | None:
        """The oldest report that the portal has neither acknowledged nor refused, except those of some statuses."""
        row = self._database.execute(
            "SELECT sequence, status, body FROM report WHERE refusal IS NULL "
            "AND status NOT IN (SELECT value FROM json_each(?)) ORDER BY sequence LIMIT 1",
            (json.dumps(list(held)),),
        ).fetchone()
        return None if row is None else Report(row[0], row[1], json.loads(row[2]))

    def report_delivered(self, sequence: int) -> None:
        """The portal acknowledged it."""
        self._database.execute("DELETE FROM report WHERE sequence = ?", (sequence,))

    def report_refused(self, sequence: int, refusal: str) -> None:
        """The portal will never take it; keep it with the reason."""
        self._database.execute("UPDATE report SET refusal = ? WHERE sequence = ?", (refusal, sequence))

    def refused_reports(self) -> list[tuple[Report, str]]:
        """Reports that the portal refused, with its reasons."""
        rows = self._database.execute("SELECT sequence, status, body, refusal FROM report WHERE refusal IS NOT NULL")
        return [(Report(row[0], row[1], json.loads(row[2])), row[3]) for row in rows]

    def next_frame(self) -> Path | None:
        """A file that the archive does not have yet."""
        row = self._database.execute("SELECT path FROM frame WHERE refusal IS NULL ORDER BY rowid LIMIT 1").fetchone()
        return None if row is None else Path(row[0])

    def frame_delivered(self, path: Path) -> None:
        """The archive has it."""
        self._database.execute("DELETE FROM frame WHERE path = ?", (str(path),))

    def frame_refused(self, path: Path, refusal: str) -> None:
        """The archive will never take it; keep it with the reason."""
        self._database.execute("UPDATE frame SET refusal = ? WHERE path = ?", (refusal, str(path)))

    def refused_frames(self) -> list[tuple[Path, str]]:
        """Files that the archive refused, with the reasons."""
        rows = self._database.execute("SELECT path, refusal FROM frame WHERE refusal IS NOT NULL")
        return [(Path(row[0]), row[1]) for row in rows]


class JournalInUse(RuntimeError):
    """Two agents of one telescope would observe everything twice."""
