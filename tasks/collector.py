"""Python's collector of cycles, left out where many objects are made that all stay."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_collector() -> Iterator[None]:
    """Half of the time of reading a long ledger went into looking through its lines for cycles.

    What there is afterwards is not looked through again either: a fifth of the whole start of a long batch.
    """
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was:
            gc.enable()
