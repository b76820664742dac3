"""Calls in flight at a server: more while it answers, half when it complains, once for one congestion."""

import threading

import pytest

from tasks.adaptive import Crowded, Lane, Lanes


def test_it_grows_by_each_answer_until_the_first_complaint_and_slowly_afterwards() -> None:
    lane = Lane(start=4)
    for _ in range(12):
        with lane.call(1) as call:
            call.answered()
    assert lane.limit == 16
    with lane.call(1) as call:
        call.refused()
    assert lane.limit == 8
    for _ in range(9):
        with lane.call(1) as call:
            call.answered()
    assert lane.limit == 9


def test_calls_that_were_in_flight_together_halve_it_once() -> None:
    lane = Lane(start=8)
    with lane.call(1) as one, lane.call(1) as two, lane.call(1) as three:
        one.refused()
        two.refused()
        three.refused()
    assert (lane.limit, lane.complaints) == (4, 1)
    with lane.call(1) as later:
        later.refused()
    assert (lane.limit, lane.complaints) == (2, 2)


def test_it_never_falls_below_one() -> None:
    lane = Lane(start=1)
    for _ in range(3):
        with lane.call(1) as call:
            call.refused()
    assert lane.limit == 1
    with lane.call(1):
        assert lane.flying == 1
    assert lane.flying == 0


def test_who_finds_no_room_in_time_goes() -> None:
    lane = Lane(start=1)
    with lane.call(1), pytest.raises(Crowded), lane.call(0.01):
        pass


def test_who_waits_comes_in_when_there_is_room() -> None:
    lane, came = Lane(start=1), threading.Event()

    def later() -> None:
        with lane.call(10):
            came.set()

    with lane.call(1):
        thread = threading.Thread(target=later)
        thread.start()
        assert not came.wait(0.02)
    thread.join()
    assert came.is_set()


def test_each_server_has_its_own() -> None:
    lanes = Lanes(start=2)
    with lanes.to("a").call(1) as call:
        call.refused()
    assert {server: lane.limit for server, lane in lanes.all().items()} == {"a": 1}
    assert lanes.to("b").limit == 2
