"""Folders that are made once, by one at a time, and the longest unused removed."""

import os
import threading
from pathlib import Path

from sandbox.cache import Cache


def test_an_entry_counts_once_it_is_finished(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    (cache.begin("k") / "half").touch()
    assert cache.find("k") is None
    assert list(cache.begin("k").iterdir()) == []
    cache.finish("k")
    assert cache.find("k") == tmp_path / "k"
    cache.remove("k")
    assert cache.find("k") is None


def test_two_take_turns(tmp_path: Path) -> None:
    cache, order = Cache(tmp_path), []
    waits = threading.Event()

    def second() -> None:
        waits.set()
        with cache.turn("k"):
            order.append("second")

    with cache.turn("k"):
        thread = threading.Thread(target=second)
        thread.start()
        waits.wait()
        thread.join(0.2)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


def test_the_longest_unused_goes_but_not_while_it_is_worked_on(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    for age, key in enumerate(("new", "busy", "old")):
        cache.begin(key)
        cache.finish(key)
        os.utime(tmp_path / f"{key}.done", (1000 - age, 1000 - age))
    with cache.turn("busy"):
        assert cache.prune(1) == ["old"]
    assert cache.keys() == ["busy", "new"]
