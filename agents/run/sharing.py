"""A run that several drivers work on, by a database that all of them reach; or one driver by itself."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from socket import gethostname
from typing import Protocol

from agents.run.batch import Batch
from sandbox.labels import start_of
from tasks.agenda import Admission
from tasks.database import Database
from tasks.history import History, Standing
from tasks.ledger import Key
from tasks.results import Result


class Sharing(Protocol):
    """What a driver asks of the others."""

    def bring_up(self, history: History) -> set[Key]:
        """Tell them what this driver's ledger says; what they have ended of the run."""
        ...

    def claim(self, key: Key) -> Admission: ...

    def kept(self, key: Key, standing: Standing) -> None: ...

    def results(self, history: History) -> list[Result]:
        """Of all drivers."""
        ...


class Alone:
    def bring_up(self, history: History) -> set[Key]:
        return set()

    def claim(self, key: Key) -> Admission:
        return "now"

    def kept(self, key: Key, standing: Standing) -> None:
        pass

    def results(self, history: History) -> list[Result]:
        return history.results()


@dataclass(frozen=True)
class Shared:
    database: Database
    run: str

    def bring_up(self, history: History) -> set[Key]:
        self.database.bring_up(self.run, history)
        return self.database.ended(self.run) - {key for key, standing in history.standings.items() if standing.done}

    def claim(self, key: Key) -> Admission:
        found = self.database.claim(self.run, key)
        return "later" if found is None else "now" if found else "never"

    def kept(self, key: Key, standing: Standing) -> None:
        self.database.put(self.run, key, standing)

    def results(self, history: History) -> list[Result]:
        self.database.flush()
        return self.database.results([self.run])


@contextmanager
def sharing(batch: Batch, run: str) -> Iterator[Sharing]:
    """Raises BadInput: the database cannot be used."""
    if not batch.db:
        yield Alone()
        return
    me = f"{gethostname()} {os.getpid()} {start_of(os.getpid())}"
    with Database(batch.db, me) as database:
        yield Shared(database, run)
