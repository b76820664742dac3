"""Which images go when there are too many: only ours, the longest unused first, and nothing that others stand on."""

from sandbox.reclaim import Kept, footprint, surplus

BASE = Kept("base", ("solve/python:3.9",), 400, ("l1", "l2"))
ENV = Kept("env", ("solve/env:a",), 700, ("l1", "l2", "l3"), used=1)
OLD = Kept("old", ("solve/row:old",), 800, ("l1", "l2", "l3", "l4"), used=2)
NEW = Kept("new", ("solve/row:new",), 850, ("l1", "l2", "l3", "l5"), used=3)
THEIRS = Kept("theirs", ("solve/row:kept", "mine:1"), 900, ("x1",), used=0)
ALL = [BASE, ENV, OLD, NEW, THEIRS]


def test_an_image_counts_what_it_adds_to_what_it_stands_on() -> None:
    assert footprint(ALL) == {"base": 400, "env": 300, "old": 100, "new": 150, "theirs": 900}


def gone(cap: int, *pinned: str) -> list[str]:
    return [image.id for image in surplus(ALL, cap, pinned)]


def test_the_longest_unused_go_until_the_rest_fits() -> None:
    assert gone(550) == []
    assert gone(549) == ["old"]
    assert gone(449) == ["old", "new"]


def test_what_others_stand_on_goes_after_them() -> None:
    assert gone(0) == ["old", "new", "env"]


def test_pinned_images_stay_and_so_does_what_they_stand_on() -> None:
    assert gone(0, "new") == ["old"]


def test_images_of_others_never_go() -> None:
    assert not {"base", "theirs"} & set(gone(-1))
    assert surplus([BASE, THEIRS], 0, ()) == []
