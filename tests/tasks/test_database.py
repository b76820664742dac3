"""Several drivers of one run by a database: each attempt is made by one, and all of them show one leaderboard."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from bench_work import Floor, ScriptedWork, jobs, planned
from postgres_server import binaries, server

from tasks.agenda import Admission
from tasks.bench import Bench
from tasks.database import LEASE, Database
from tasks.history import History
from tasks.ledger import Key, Ledger, Line
from tasks.planned import Job
from tasks.watched import Watched

pytestmark = pytest.mark.slow
pytest.importorskip("sqlalchemy")
A, B = planned("a").key, planned("b").key
VERDICT = {"instance_id": "a", "model_name_or_path": "m", "model_patch": "p", "outcome": "resolved"}


@pytest.fixture(params=["sqlite", "postgresql"], scope="module")
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path_factory.mktemp('db')}/index.sqlite"
    elif binaries() is None:
        pytest.skip("PostgreSQL is not installed")
    else:
        with server() as running:
            yield running


def graded(key: Key) -> History:
    return History.of([Line(at=1, state="graded", key=key, result=VERDICT | {"instance_id": key[0]})])


def test_an_attempt_is_claimed_once_until_its_driver_is_silent(url: str) -> None:
    now = [1000.0]
    with Database(url, "one", lambda: now[0]) as one, Database(url, "two", lambda: now[0]) as two:
        assert (one.claim("claims", A), two.claim("claims", A), two.claim("claims", B)) == (True, False, True)
        assert one.claim("claims", A)
        now[0] += LEASE + 1
        assert two.claim("claims", A)
        two.bring_up("claims", graded(A))
        now[0] += LEASE + 1
        assert not one.claim("claims", A)
        assert one.ended("claims") == {A}


def test_a_verdict_is_not_undone_by_a_driver_that_was_taken_for_dead(url: str) -> None:
    with Database(url, "one") as one, Database(url, "two") as two:
        one.bring_up("late", graded(A))
        two.bring_up("late", History.of([Line(at=2, state="failed", key=A, early="engine", last=True, result=VERDICT)]))
        assert [(row.instance_id, row.outcome) for row in two.results(["late"])] == [("a", "resolved")]


def test_two_drivers_make_each_attempt_once_and_see_one_leaderboard(url: str, tmp_path: Path) -> None:
    names = [f"r{number}" for number in range(30)]
    made: list[str] = []

    def solving(job: Job, watched: Watched) -> None:
        made.append(job.planned.row.task.id)
        time.sleep(0.01)

    def drive(name: str) -> None:
        folder = tmp_path / name
        folder.mkdir()
        with Ledger(folder) as ledger, Database(url, name) as database:
            floor = Floor(folder, ScriptedWork(solving))
            bench: Bench = floor.bench(
                ledger,
                History(),
                claim=lambda key: claimed(database, key),
                kept=lambda key, standing: database.put("pair", key, standing),
            )
            bench.run(jobs(*names))
            assert database.flush() == 0

    def claimed(database: Database, key: Key) -> Admission:
        return "now" if database.claim("pair", key) else "never"

    drivers = [threading.Thread(target=drive, args=(name,)) for name in ("one", "two")]
    for driver in drivers:
        driver.start()
    for driver in drivers:
        driver.join()
    assert sorted(made) == sorted(names)
    with Database(url, "report") as database:
        found = database.results(["pair"])
    assert sorted(row.instance_id for row in found) == sorted(names)
    assert {row.outcome for row in found} == {"resolved"}


def test_what_a_ledger_says_is_brought_up_by_the_next_start(url: str) -> None:
    with Database(url, "one") as one:
        one.bring_up("again", graded(A))
        one.bring_up("again", graded(A))
        assert len(one.results(["again"])) == 1
