"""One SQLite file a repository: segments by column, and which segment holds which blob.

Many processes may read and write it at once (write-ahead log). A store of another version, or one that is damaged, is
thrown away and filled anew: it holds nothing that cannot be made again.
"""

import contextlib
import json
import sqlite3
import time
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from agents.index.languages import digest
from agents.index.tree import Seen
from sandbox.api import MEBIBYTE, BadInput

MAX_BYTES = 512 * MEBIBYTE
WORKTREES = 8  # whose files are remembered
BUSY = 60.0  # seconds to wait for another process that writes
SCHEMA = """
CREATE TABLE meta (version TEXT NOT NULL);
CREATE TABLE segment (id INTEGER PRIMARY KEY, used REAL NOT NULL, bytes INTEGER NOT NULL);
CREATE TABLE part (segment INTEGER NOT NULL, name TEXT NOT NULL, checksum INTEGER NOT NULL, data BLOB NOT NULL);
CREATE INDEX part_of ON part (segment);
CREATE TABLE blob (
    id TEXT NOT NULL, language TEXT NOT NULL, segment INTEGER, place INTEGER, skipped TEXT NOT NULL,
    PRIMARY KEY (id, language)
) WITHOUT ROWID;
CREATE INDEX blob_of ON blob (segment);
CREATE TABLE seen (root TEXT PRIMARY KEY, files TEXT NOT NULL);
"""
ADDED = """
INSERT INTO blob VALUES (?, ?, ?, ?, '') ON CONFLICT (id, language)
DO UPDATE SET segment = excluded.segment, place = excluded.place WHERE segment IN (SELECT value FROM json_each(?))
"""
EMPTY = "SELECT id FROM segment WHERE NOT EXISTS (SELECT 1 FROM blob WHERE blob.segment = segment.id)"


class Place(NamedTuple):
    """Where a blob is: the `place`-th file of `segment`; or why it was skipped."""

    segment: int
    place: int
    skipped: str = ""


class Damaged(Exception):
    """A segment is not what was written; it has been dropped, and its blobs must be indexed again."""


class Store:
    """Use as a context manager. Raises BadInput when the file cannot be made."""

    def __init__(self, path: Path, *, max_bytes: int = MAX_BYTES) -> None:
        self.path = path
        self.max_bytes = max_bytes
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = self._open()
        except sqlite3.DatabaseError as damage:
            if isinstance(damage, sqlite3.OperationalError) and not _is_database_gone(damage):
                raise BadInput(f"cannot use the index at {path}: {damage}") from damage
            self._db = self._anew()
        except OSError as error:
            raise BadInput(f"cannot keep an index at {path}: {error.strerror}; set SOLVE_CACHE_DIR") from error

    def _open(self) -> sqlite3.Connection:
        db = sqlite3.connect(self.path, timeout=BUSY, isolation_level=None, check_same_thread=False)
        try:
            db.execute("PRAGMA page_size = 16384")  # columns are large
            db.execute("PRAGMA auto_vacuum = INCREMENTAL")
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = NORMAL")
            if _is_current(db):  # the usual case, in which nobody has to wait for another to write
                return db
            with _transaction(db):
                if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'meta'").fetchone():
                    for statement in SCHEMA.split(";"):
                        db.execute(statement)
                    db.execute("INSERT INTO meta VALUES (?)", (digest(),))
                elif db.execute("SELECT version FROM meta").fetchone() != (digest(),):
                    for table in ("segment", "part", "blob", "seen"):
                        db.execute(f"DELETE FROM {table}")  # noqa: S608 - our own names
                    db.execute("UPDATE meta SET version = ?", (digest(),))
        except sqlite3.Error:
            db.close()
            raise
        return db

    def _anew(self) -> sqlite3.Connection:
        for suffix in ("", "-wal", "-shm"):
            self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)
        return self._open()

    def heal(self) -> None:
        """Throw everything away. Other processes keep reading the file they have open."""
        self._db.close()
        self._db = self._anew()

    def places(self) -> dict[tuple[str, str], Place]:
        """Every known blob, by id and language."""
        rows = self._db.execute("SELECT id, language, segment, place, skipped FROM blob")
        return {
            (blob, language): Place(segment or 0, place or 0, skipped)
            for blob, language, segment, place, skipped in rows
        }

    def seen(self, root: Path) -> dict[str, Seen]:
        """The files of a worktree as they were when they were last indexed."""
        row = self._db.execute("SELECT files FROM seen WHERE root = ?", (str(root.resolve()),)).fetchone()
        return {path: Seen(*found) for path, found in json.loads(row[0]).items()} if row else {}

    def remember(self, root: Path, files: Mapping[str, Seen]) -> None:
        with _transaction(self._db) as db:
            db.execute("INSERT OR REPLACE INTO seen VALUES (?, ?)", (str(root.resolve()), json.dumps(files)))
            db.execute(
                "DELETE FROM seen WHERE rowid NOT IN (SELECT rowid FROM seen ORDER BY rowid DESC LIMIT ?)", (WORKTREES,)
            )

    def add(self, columns: Mapping[str, bytes], blobs: Iterable[tuple[str, str]], over: Collection[int] = ()) -> None:
        """Keep a segment with its blobs, `(id, language)` in the order of its files, which leave those of `over`.

        What another has added meanwhile stays where it is: that segment may be in use already.
        """
        left = json.dumps(sorted(over))
        size = sum(map(len, columns.values()))
        with _transaction(self._db) as db:
            segment = db.execute("INSERT INTO segment (used, bytes) VALUES (?, ?)", (time.time(), size)).lastrowid
            db.executemany(
                "INSERT INTO part VALUES (?, ?, ?, ?)",
                [(segment, name, zlib.crc32(data), data) for name, data in columns.items()],
            )
            db.executemany(
                ADDED,
                [(blob, language, segment, place, left) for place, (blob, language) in enumerate(blobs)],
            )
            for (empty,) in db.execute(EMPTY).fetchall():
                _drop(db, empty)

    def skip(self, blobs: Iterable[tuple[str, str, str]]) -> None:
        """Remember that blobs are not indexed: `(id, language, why)`."""
        with _transaction(self._db) as db:
            db.executemany("INSERT OR IGNORE INTO blob VALUES (?, ?, NULL, NULL, ?)", blobs)

    def load(self, segment: int) -> dict[str, bytes]:
        """All columns of a segment. Raises Damaged if any is not what was written, or it is gone."""
        try:
            rows = self._db.execute("SELECT name, checksum, data FROM part WHERE segment = ?", (segment,)).fetchall()
        except sqlite3.DatabaseError as damage:
            self.heal()
            raise Damaged(str(damage)) from damage
        if not rows or any(zlib.crc32(data) != checksum for _, checksum, data in rows):
            with _transaction(self._db) as db:
                _drop(db, segment)
            raise Damaged(f"segment {segment}")
        return {name: data for name, _, data in rows}

    def used(self, segments: Iterable[int]) -> None:
        """Mark segments as in use now, and drop the longest unused others while the store is too large."""
        keep = set(segments)
        with _transaction(self._db) as db:
            db.executemany("UPDATE segment SET used = ? WHERE id = ?", [(time.time(), segment) for segment in keep])
            total = db.execute("SELECT coalesce(sum(bytes), 0) FROM segment").fetchone()[0]
            for segment, size in db.execute("SELECT id, bytes FROM segment ORDER BY used").fetchall():
                if total <= self.max_bytes:
                    break
                if segment not in keep:
                    _drop(db, segment)
                    total -= size
        self._db.execute("PRAGMA incremental_vacuum").fetchall()

    def close(self) -> None:
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _is_current(db: sqlite3.Connection) -> bool:
    made = db.execute("SELECT 1 FROM sqlite_master WHERE name = 'meta'").fetchone()
    return bool(made) and db.execute("SELECT version FROM meta").fetchone() == (digest(),)


@contextlib.contextmanager
def _transaction(db: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    db.execute("BEGIN IMMEDIATE")
    try:
        yield db
    except BaseException:
        db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")


def _drop(db: sqlite3.Connection, segment: int) -> None:
    for statement in ("DELETE FROM part WHERE segment = ?", "DELETE FROM blob WHERE segment = ?"):
        db.execute(statement, (segment,))
    db.execute("DELETE FROM segment WHERE id = ?", (segment,))


def _is_database_gone(error: sqlite3.OperationalError) -> bool:
    """Whether an operational error speaks of damage rather than of a lock, a full disk or missing rights."""
    return any(sign in str(error) for sign in ("no such table", "no such column", "disk I/O error", "malformed"))
