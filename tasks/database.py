"""`--db`: the index of ledgers and the results in a database that several drivers share: PostgreSQL, or SQLite.

Each driver's ledger stays the truth of what it did; the database is brought up from it, in the background, and again
by the next start if it could not be reached. What it decides alone is who makes an attempt: a claim, kept by a
heartbeat, so that a dead driver's attempts are free again after a minute.
"""

import threading
import time
from collections.abc import Callable, Collection, Sequence
from itertools import islice
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from sandbox.api import BadInput
from tasks.history import History, Standing
from tasks.ledger import Key
from tasks.results import Result

if TYPE_CHECKING:
    from sqlalchemy import Table

LEASE = 60.0  # seconds after which a driver that is silent is taken for dead
BEAT = 10.0
PATIENCE = 30.0  # seconds that the end of a batch waits for the database
MANY = 500  # rows in one statement


class Database:
    """One driver's connection. Use as a context manager. Safe to share between threads."""

    def __init__(self, url: str, driver: str, clock: Callable[[], float] = time.time) -> None:
        """
        Raises:
            BadInput: its library is not installed, or it cannot be reached.
        """
        try:
            import sqlalchemy
        except ImportError as error:
            raise BadInput("SQLAlchemy is not installed: pip install 'solve[postgres]'") from error
        self._sql = sqlalchemy
        self._driver, self._clock = driver, clock
        try:
            self._engine = sqlalchemy.create_engine(driver_of(url), pool_pre_ping=True)
            self._table = attempts_table(sqlalchemy)
            self._table.metadata.create_all(self._engine)
        except (sqlalchemy.exc.SQLAlchemyError, ImportError) as error:
            raise BadInput(f"the database does not answer: {str(error).splitlines()[0]}") from error
        self._pending: dict[tuple[str, Key], dict[str, Any]] = {}  # rows that are not in it yet
        self._changed, self._over = threading.Condition(), threading.Event()
        self._threads = [threading.Thread(target=work, daemon=True) for work in (self._keep, self._beat)]

    def claim(self, run: str, key: Key) -> bool | None:
        """Whether this driver makes the attempt: nobody else is at it, and nobody has ended it. None: no answer."""
        table, sql, now = self._table, self._sql, self._clock()
        mine = {"run": run, **named(key), "state": "claimed", "driver": self._driver, "seen": now}
        free = sql.or_(table.c.driver == self._driver, table.c.seen < now - LEASE)
        made = self._insert().values(mine)
        made = made.on_conflict_do_update(
            index_elements=list(table.primary_key),
            set_={"driver": self._driver, "seen": now},
            where=sql.and_(table.c.state != "graded", free),
        )
        try:
            with self._engine.begin() as connection:
                return connection.execute(made.returning(table.c.driver)).first() is not None
        except sql.exc.OperationalError:
            return None

    def put(self, run: str, key: Key, standing: Standing) -> None:
        """Where an attempt of this driver stands; in the database a moment later."""
        with self._changed:
            self._pending[run, key] = self._row(run, key, standing)
            self._changed.notify_all()

    def flush(self, seconds: float = PATIENCE) -> int:
        """Wait until everything is in it; how many rows are not."""
        with self._changed:
            self._changed.wait_for(lambda: not self._pending, seconds)
            return len(self._pending)

    def bring_up(self, run: str, history: History) -> None:
        """Everything that this driver's ledger says, at once."""
        rows = [self._row(run, key, standing) for key, standing in history.standings.items()]
        for start in range(0, len(rows), MANY):
            self._write(rows[start : start + MANY])

    def ended(self, run: str) -> set[Key]:
        """Attempts that some driver ended with a verdict."""
        table = self._table
        wanted = self._sql.select(table.c.instance_id, table.c.model, table.c.number)
        with self._engine.connect() as connection:
            found = connection.execute(wanted.where(table.c.run == run, table.c.state == "graded"))
            return {(row[0], row[1], row[2]) for row in found}

    def results(self, runs: Collection[str] = ()) -> list[Result]:
        """Of these runs, or of all: those of all drivers together."""
        table = self._table
        wanted = self._sql.select(table.c.result).where(table.c.result.is_not(None)).order_by(*table.primary_key)
        if runs:
            wanted = wanted.where(table.c.run.in_(runs))
        with self._engine.connect() as connection:
            return [Result.model_validate_json(row[0]) for row in connection.execute(wanted)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.flush()
        self._over.set()
        with self._changed:
            self._changed.notify_all()
        for thread in self._threads:
            thread.join(BEAT)
        self._engine.dispose()

    def _row(self, run: str, key: Key, standing: Standing) -> dict[str, Any]:
        result = standing.result()
        return {
            "run": run,
            **named(key),
            "state": standing.state,
            "tries": standing.tries,
            "early": standing.early,
            "reason": standing.reason,
            "result": None if result is None else result.model_dump_json(),
            "driver": self._driver,
            "seen": self._clock(),
        }

    def _keep(self) -> None:
        """Writes what waits, in as few statements as it can; a database that is away is asked again."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._pending or self._over.is_set())
                rows = dict(islice(self._pending.items(), MANY))
            if self._over.is_set():
                return
            try:
                self._write(list(rows.values()))
            except self._sql.exc.OperationalError:
                self._over.wait(1.0)
                continue
            with self._changed:
                for name, row in rows.items():
                    if self._pending.get(name) is row:
                        del self._pending[name]
                self._changed.notify_all()

    def _write(self, rows: Sequence[dict[str, Any]]) -> None:
        made = self._insert()
        columns = ("state", "tries", "early", "reason", "result", "driver", "seen")
        update = made.on_conflict_do_update(
            index_elements=list(self._table.primary_key),
            set_={name: made.excluded[name] for name in columns},
            # What another driver ended stays, whatever a driver says that was taken for dead.
            where=self._sql.or_(self._table.c.state != "graded", self._table.c.driver == self._driver),
        )
        with self._engine.begin() as connection:
            connection.execute(update, list(rows))

    def _beat(self) -> None:
        table = self._table
        alive = table.update().where(table.c.driver == self._driver, table.c.state.not_in(("graded", "failed")))
        while not self._over.wait(BEAT):
            try:
                with self._engine.begin() as connection:
                    connection.execute(alive.values(seen=self._clock()))
            except self._sql.exc.OperationalError:
                continue  # the next beat comes before the lease is over

    def _insert(self) -> Any:
        """PostgreSQL and SQLite say "on conflict" alike; SQLAlchemy has them apart."""
        from sqlalchemy.dialects import postgresql, sqlite

        return (postgresql if self._engine.dialect.name == "postgresql" else sqlite).insert(self._table)


def attempts_table(sql: Any) -> "Table":
    text, number = sql.Text, sql.Float
    return sql.Table(
        "solve_attempts",
        sql.MetaData(),
        sql.Column("run", text, primary_key=True),
        sql.Column("instance_id", text, primary_key=True),
        sql.Column("model", text, primary_key=True),
        sql.Column("number", sql.Integer, primary_key=True),
        sql.Column("state", text, nullable=False),
        sql.Column("tries", sql.Integer, nullable=False, default=0),
        sql.Column("early", text),
        sql.Column("reason", text, nullable=False, default=""),
        sql.Column("result", text),  # JSON, once there is one
        sql.Column("driver", text, nullable=False),
        sql.Column("seen", number, nullable=False),  # seconds since the epoch: its driver's last sign of life
    )


def named(key: Key) -> dict[str, Any]:
    return {"instance_id": key[0], "model": key[1], "number": key[2]}


def driver_of(url: str) -> str:
    """psycopg 3 stands behind a plain postgresql://."""
    scheme, sign, rest = url.partition("://")
    return f"postgresql+psycopg{sign}{rest}" if scheme in ("postgres", "postgresql") else url
