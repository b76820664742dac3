"""The runner of a batch: what fails is told apart, nothing is lost, and a stop leaves what can go on."""

import os
import threading
import time
from decimal import Decimal
from pathlib import Path

import pytest
from bench_work import Floor, ScriptedWork, jobs, planned

from sandbox.api import BadInput, SandboxUnavailable
from sandbox.fake import FakeSandbox
from tasks.bench import Crew
from tasks.causes import EndedEarly
from tasks.history import History
from tasks.ledger import Ledger, read
from tasks.limits import Amount, OverBudget
from tasks.planned import Job
from tasks.purse import Allowances
from tasks.watched import Watched


def outcomes(history: History) -> dict[str, str]:
    return {result.instance_id: result.early or result.outcome for result in history.results()}


def test_every_attempt_is_solved_and_graded_once(tmp_path: Path) -> None:
    work = ScriptedWork()
    names = [f"r{number}" for number in range(12)]
    history = Floor(tmp_path, work).run(jobs(*names))
    assert outcomes(history) == dict.fromkeys(names, "resolved")
    assert sorted(work.solved) == sorted(work.graded) == sorted(f"{name} m #1" for name in names)
    found = read(tmp_path)
    assert (len(found.lines), found.damage) == (48, [])
    assert outcomes(History.of(found.lines)) == outcomes(history)


def test_a_machines_failure_is_tried_again_and_then_has_its_own_column(tmp_path: Path) -> None:
    failing = {"twice": 2, "always": 99}

    def solving(job: Job, watched: Watched) -> None:
        if job.tries <= failing.get(job.planned.row.task.id, 0):
            raise SandboxUnavailable("the container is gone: out of memory")

    history = Floor(tmp_path, ScriptedWork(solving)).run(jobs("twice", "always", "never"))
    assert outcomes(history) == {"twice": "resolved", "always": "sandbox", "never": "resolved"}
    tries = [line.attempt for line in read(tmp_path).lines if line.key[0] == "always" and line.state == "solving"]
    assert tries == [1, 2, 3]


def test_a_verifier_that_fails_is_tried_again_without_solving_again(tmp_path: Path) -> None:
    def grading(job: Job, watched: Watched) -> None:
        if job.tries == 1:
            raise SandboxUnavailable("gone")

    work = ScriptedWork(grading=grading)
    history = Floor(tmp_path, work).run(jobs("a"))
    assert (outcomes(history), len(work.solved), len(work.graded)) == ({"a": "resolved"}, 1, 2)


def test_what_a_solver_brought_about_is_graded_as_far_as_it_came(tmp_path: Path) -> None:
    def solving(job: Job, watched: Watched) -> None:
        raise EndedEarly("time", "too late")

    history = Floor(tmp_path, ScriptedWork(solving, best="half")).run(jobs("a"))
    (result,) = history.results()
    assert (result.outcome, result.early, result.model_patch) == ("resolved", "time", "half")


def test_a_bug_of_the_harness_ends_one_attempt_and_not_the_batch(tmp_path: Path) -> None:
    def solving(job: Job, watched: Watched) -> None:
        if job.planned.row.task.id == "odd":
            raise ZeroDivisionError("division by zero")

    floor = Floor(tmp_path, ScriptedWork(solving))
    assert outcomes(floor.run(jobs("odd", "even"))) == {"odd": "harness bug", "even": "resolved"}
    assert any("ZeroDivisionError" in notice.text for notice in floor.notices)


def test_a_refused_key_ends_its_model_and_no_other(tmp_path: Path) -> None:
    def solving(job: Job, watched: Watched) -> None:
        if job.planned.model == "m":
            raise BadInput("the key in X is refused")

    work = ScriptedWork(solving)
    floor = Floor(tmp_path, work, crew=Crew(1, 1))
    history = floor.run([*jobs("a", "b", "c"), *jobs("a", "b", model="free")])
    assert [name for name in work.solved if " m " in name] == ["a m #1"]
    assert [result.model_name_or_path for result in history.results() if result.resolved] == ["free", "free"]


def test_an_engine_that_restarts_is_waited_for(tmp_path: Path) -> None:
    down, began = threading.Event(), time.monotonic()

    def alive() -> bool:
        return not down.is_set() or time.monotonic() - began > 0.3

    def solving(job: Job, watched: Watched) -> None:
        if job.planned.row.task.id == "first" and job.tries == 1:
            down.set()
            raise SandboxUnavailable("no engine answers")

    floor = Floor(tmp_path, ScriptedWork(solving), crew=Crew(1, 1), alive=alive)
    assert outcomes(floor.run(jobs("first", "second"))) == {"first": "resolved", "second": "resolved"}
    failed = [line for line in read(tmp_path).lines if line.state == "failed"]
    assert [(line.early, line.last) for line in failed] == [("engine", False)]
    begun = [line.at for line in read(tmp_path).lines if line.key[0] == "second" and line.state == "solving"]
    assert begun[0] - failed[0].at > 0.1  # nothing was begun while it was silent


def test_the_runs_budget_admits_no_more_and_is_never_passed(tmp_path: Path) -> None:
    def solving(job: Job, watched: Watched) -> None:
        if job.planned.model == "free":
            return
        with watched.budget.reserve(Amount(calls=1, dollars=Decimal("0.4"))) as held:
            held.settle(Amount(1, 10, Decimal("0.4")))

    allowances = Allowances(run=Decimal(1), task=Decimal("0.5"))
    floor = Floor(tmp_path, ScriptedWork(solving), allowances)
    history = floor.run([*jobs("a", "b", "c", "d"), *jobs("e", model="free")])
    assert sum(history.spent().values()) == pytest.approx(0.8)
    assert sorted(outcomes(history).values()) == ["resolved"] * 3  # two that paid, and the free one
    again = Floor(tmp_path, ScriptedWork(solving), Allowances(run=Decimal(9), task=Decimal("0.5")))
    done = {standing for standing, value in history.standings.items() if value.done}
    history = again.run([job for job in jobs("a", "b", "c", "d") if job.planned.key not in done])
    assert sum(history.spent().values()) == pytest.approx(1.6)


def test_an_attempt_that_the_runs_budget_ended_is_no_result(tmp_path: Path) -> None:
    def solving(job: Job, watched: Watched) -> None:
        for _ in range(3):
            with watched.budget.reserve(Amount(calls=1, dollars=Decimal("0.4"))) as held:
                held.settle(Amount(1, 10, Decimal("0.4")))

    history = Floor(tmp_path, ScriptedWork(solving), Allowances(run=Decimal(1))).run(jobs("a"))
    assert (history.results(), history.standings["a", "m", 1].early) == ([], "run budget")


def test_an_attempts_own_budget_is_its_result(tmp_path: Path) -> None:
    def solving(job: Job, watched: Watched) -> None:
        raise OverBudget("0.4 dollars asked, 0.1 of 0.5 left")

    history = Floor(tmp_path, ScriptedWork(solving), Allowances(task=Decimal("0.5"))).run(jobs("a"))
    (result,) = history.results()
    assert (result.early, result.outcome, result.cause) == ("budget", "unresolved", "empty_patch")


def test_one_wish_to_stop_lets_what_runs_end_and_begins_nothing(tmp_path: Path) -> None:
    floor = Floor(tmp_path, ScriptedWork(), crew=Crew(1, 1))

    def solving(job: Job, watched: Watched) -> None:
        floor.stop.ask()

    floor.work.solving = solving
    history = floor.run(jobs("a", "b", "c"))
    assert floor.work.solved == ["a m #1"]
    assert history.standings["a", "m", 1].solved
    left = [Job(planned("a"), "grade", solved=planned("a").unsolved), *jobs("b", "c")]
    assert len(Floor(tmp_path, ScriptedWork()).run(left).results()) == 3


def test_two_wishes_close_what_is_open_and_leave_a_run_that_goes_on(tmp_path: Path) -> None:
    floor, opened = Floor(tmp_path, ScriptedWork()), FakeSandbox()

    def solving(job: Job, watched: Watched) -> None:
        watched.open(lambda: opened)
        floor.stop.ask()
        floor.stop.ask()
        while not opened.closed:
            time.sleep(0.001)
        raise SandboxUnavailable("the container was removed from outside")

    floor.work.solving = solving
    history = floor.run(jobs("a"))
    assert (floor.cleared, opened.closed, history.results()) == (2, True, [])
    assert history.standings["a", "m", 1].early == "cancelled"


def test_an_attempt_that_does_not_end_is_ended_and_if_it_does_not_notice_left_alone(tmp_path: Path) -> None:
    released = threading.Event()

    def solving(job: Job, watched: Watched) -> None:
        if job.planned.row.task.id == "endless" and job.tries == 1:
            watched.end("time", "its deadline")
            watched.ended_at -= 1000  # long ago
            released.wait(5)

    work = ScriptedWork(solving)
    history = Floor(tmp_path, work, crew=Crew(1, 1)).run(jobs("endless", "other"))
    released.set()
    assert outcomes(history) == {"endless": "resolved", "other": "resolved"}
    assert [line.early for line in read(tmp_path).lines if line.state == "failed"] == ["stuck"]


def test_no_more_containers_than_there_are_places(tmp_path: Path) -> None:
    now, most, lock = [0], [0], threading.Lock()

    def solving(job: Job, watched: Watched) -> None:
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        time.sleep(0.005)
        with lock:
            now[0] -= 1

    Floor(tmp_path, ScriptedWork(solving, solving), crew=Crew(8, 8), containers=3).run(jobs(*map(str, range(12))))
    assert most[0] <= 3


def test_a_full_disk_stops_the_batch_and_says_so(tmp_path: Path) -> None:
    with Ledger(tmp_path) as ledger:
        floor = Floor(tmp_path, ScriptedWork())

        def solving(job: Job, watched: Watched) -> None:
            with ledger._disk:  # not between a line and its fsync
                os.dup2(os.open("/dev/full", os.O_RDWR), ledger._file)

        floor.work.solving = solving
        with pytest.raises(OSError, match="No space left"):
            floor.bench(ledger, History.of(())).run(jobs("a", "b"))
