"""Who may begin: room for containers, money, the order of rows, and images that are made ahead."""

import threading
from decimal import Decimal

import pytest
from bench_work import planned, row

from sandbox.api import Image, ImageUnavailable
from tasks.admission import Containers, places
from tasks.agenda import Agenda
from tasks.environment import Place
from tasks.harness import Harness, whole_names
from tasks.limits import Amount, OverBudget
from tasks.places import AHEAD, Places
from tasks.planned import Job, in_order
from tasks.purse import Allowances, Purse
from tasks.row import Row

GIB = 1 << 30


def place(name: str) -> Place:
    return Place(Image("docker", name, "/w"), Harness("pytest", (), whole_names, structured=True), "named")


def test_a_machine_bears_two_containers_a_core_and_one_for_two_gigabytes() -> None:
    assert (places(2, 64 * GIB), places(64, 16 * GIB), places(1, GIB)) == (4, 8, 1)


def test_without_free_memory_one_container_runs_and_no_second() -> None:
    containers = Containers(8, free=lambda: 0)
    asked = iter([True, False])
    with containers.place(urgent=False, going=lambda: True) as first:
        with containers.place(urgent=False, going=lambda: next(asked)) as second:
            assert (first, second) == (True, False)
        assert containers.used == 1
    assert containers.used == 0


def test_who_finishes_what_was_begun_comes_first() -> None:
    containers, order = Containers(1, free=lambda: 8 * GIB), []

    def come(name: str, urgent: bool) -> None:
        with containers.place(urgent=urgent, going=lambda: True):
            order.append(name)

    with containers.place(urgent=False, going=lambda: True):
        waiting = [threading.Thread(target=come, args=arguments) for arguments in (("solve", False), ("grade", True))]
        for thread in waiting:
            thread.start()
        while containers._urgent == 0:
            pass
    for thread in waiting:
        thread.join()
    assert order == ["grade", "solve"]


def test_rows_that_share_layers_stand_together() -> None:
    rows = [row(*each) for each in (("1", "x", "2"), ("2", "y", "1"), ("3", "x", "1"))]
    assert [(each.row.task.id, each.model, each.run) for each in in_order(rows, "ba", 2, "suite")] == [
        (name, model, run) for name in "312" for run in (1, 2) for model in "ab"
    ]


def test_money_that_others_hold_is_waited_for_and_spent_money_is_not() -> None:
    purse = Purse(Allowances(run=Decimal(1), task=Decimal("0.6")), {}, {}, frozenset({"free"}))
    with purse.attempt(planned("a")) as budget:
        assert (purse.admit(planned("b")), purse.admit(planned("b", "free"))) == ("later", "now")
        with budget.reserve(Amount(1, 1, Decimal("0.5"))) as held:
            held.settle(Amount(1, 1, Decimal("0.5")))
    assert (purse.spent, purse.admit(planned("b"))) == (Decimal("0.5"), "never")


def test_one_models_budget_is_not_anothers() -> None:
    purse = Purse(Allowances(model=Decimal(1)), {"spent": 1.0}, {}, frozenset())
    assert (purse.admit(planned("a", "spent")), purse.admit(planned("a", "other"))) == ("never", "now")


def test_what_an_attempt_spent_before_it_was_killed_counts_once() -> None:
    key = planned("a").key
    purse = Purse(Allowances(run=Decimal(1)), {}, {key: Amount(2, 9, Decimal("0.7"))}, frozenset())
    assert purse.spent == Decimal("0.7")
    with purse.attempt(planned("a")) as budget:
        budget.reserve(Amount()).settle(Amount(2, 9, Decimal("0.7")))  # as its journal does when it is opened
        assert purse.spent == Decimal("0.7")
        with pytest.raises(OverBudget):
            budget.reserve(Amount(1, 1, Decimal("0.4")))


def test_an_agenda_ends_when_all_is_done_and_gives_back_what_is_put_again() -> None:
    agenda = Agenda([Job(planned("a"), "solve")], lambda each: "now")
    job = agenda.take("solve")
    assert job is not None
    agenda.put(Job(job.planned, "grade"))
    assert agenda.take("grade") is not None
    agenda.finish()
    assert (agenda.take("solve"), agenda.take("grade"), agenda.over()) == (None, None, True)


def test_a_rows_image_is_made_once_and_some_are_made_ahead() -> None:
    made: list[str] = []
    done = threading.Event()

    def make(each: Row) -> Place:
        made.append(each.task.id)
        if len(made) == AHEAD + 1:
            done.set()
        return place(each.task.id)

    rows = [row(f"r{number}") for number in range(AHEAD + 3)]
    images = Places(make)
    thread = images.make_ahead(rows)
    assert images.get(rows[0]) is images.get(rows[0])
    assert done.wait(5)
    images.close()
    thread.join()
    assert made == [f"r{number}" for number in range(AHEAD + 1)]
    images.forget(["r0"])
    images.get(rows[0])
    assert made[-1] == "r0"


def test_an_image_that_cannot_be_made_ahead_is_met_by_who_needs_it() -> None:
    def make(each: Row) -> Place:
        raise ImageUnavailable("no such image")

    images = Places(make)
    images.make_ahead([row("a")]).join()
    with pytest.raises(ImageUnavailable):
        images.get(row("a"))
