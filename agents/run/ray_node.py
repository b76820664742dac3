"""What a machine of a Ray cluster does: one stage of one attempt, as a single machine would.

Ray runs a task at least once: whatever is done here is done under the attempt's id, and done again it goes on from what
is left of it. What comes back is small: a result, or a cause; folders come as an archive or stay on a shared path.
"""

import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache
from pathlib import Path
from socket import gethostname
from typing import TYPE_CHECKING

from agents.run.attempt import attempt_folder
from agents.run.grading import Options, log_name
from sandbox.api import BadInput
from sandbox.archive import pack, unpack_single
from sandbox.cache import cache_folder
from sandbox.tree import remove_tree
from tasks.admission import Containers
from tasks.causes import Early, cause_of
from tasks.ledger import Key
from tasks.limits import Allowance, Amount, Budget
from tasks.planned import Job
from tasks.results import Result
from tasks.watched import Watched

if TYPE_CHECKING:
    from tasks.work import Work

MOST_BYTES, MOST_FILES = 256 << 20, 20_000  # of one attempt's folder


@dataclass(frozen=True)
class Recipe:
    """How a node works: the same for all attempts of a run."""

    run: str
    options: Options
    share: str  # an fsspec URL or a path that every node has; empty: folders come back through Ray's object store
    digests: tuple[tuple[str, str], ...]  # of code, prompts and settings, as the driver has them
    dollars: Decimal | None  # for each attempt
    seconds: float
    make: "Callable[[Recipe, Path], Work]"


@dataclass(frozen=True)
class Brought:
    """What came of it. With `early` the result is what there is so far."""

    result: Result
    node: str
    used: Amount
    early: Early | None = None
    reason: str = ""
    folder: bytes = b""  # a tar archive
    log: bytes = b""


def do(recipe: Recipe, job: Job) -> Brought:
    """One stage of an attempt, on whichever node this is."""
    folder = own_folder(recipe)
    work = workshop(recipe, folder)
    place = attempt_folder(folder, job.planned.key)
    fetch(recipe, place, job.planned.key)
    budget = Budget(Allowance(dollars=recipe.dollars, seconds=recipe.seconds))
    watched = Watched(job, budget, float("inf"), Containers(1 << 30))
    try:
        result = work.solve(job, watched) if job.stage == "solve" else work.grade(job, watched)
        brought = Brought(result, gethostname(), budget.spent)
    except Exception as error:  # the door of a node: the driver decides by its cause what becomes of the attempt
        so_far = job.solved or work.so_far(job.planned)
        reason = (str(error).strip() or repr(error)).splitlines()[0]
        brought = Brought(so_far, gethostname(), budget.spent, cause_of(error), reason)
    if job.stage == "grade":
        log = folder / "logs" / log_name(brought.result)
        return replace(brought, log=log.read_bytes() if log.is_file() else b"")
    return replace(brought, folder=deliver(recipe, place, job.planned.key))


def own_folder(recipe: Recipe) -> Path:
    """Where this node keeps the run: on the shared path, or in its own cache."""
    top = shared_path(recipe.share) or cache_folder(os.environ) / "ray"
    (top / recipe.run / "logs").mkdir(parents=True, exist_ok=True)
    return top / recipe.run


def shared_path(share: str) -> Path | None:
    """The path that a share is, where it is one."""
    if share.startswith("file://"):
        return Path(share.removeprefix("file://"))
    return Path(share) if share and "://" not in share else None


@cache
def workshop(recipe: Recipe, folder: Path) -> "Work":
    """Once for each process that Ray starts.

    Raises:
        BadInput: this node's program is not the driver's.
    """
    return recipe.make(recipe, folder)


def machine_of_a_node(recipe: Recipe, folder: Path) -> "Work":
    """The work of a real node: its own engine and images. What dead processes of it left behind is removed first."""
    from agents.run.bench_floor import attempting, this_machine
    from agents.run.conditions import digests
    from tasks.adaptive import Lanes
    from tasks.places import Places

    here = dict(digests([name for name, _ in recipe.digests], os.environ))
    different = [name for name, value in recipe.digests if here.get(name) != value]
    if different:
        raise BadInput(f"{gethostname()} is not as the driver is ({', '.join(different)}): install the same there")
    machine = this_machine()
    machine.sweep()
    images = Places(lambda row: machine.place(row, recipe.options))
    return attempting(recipe.options, machine, folder, images, Lanes(), os.environ)


def deliver(recipe: Recipe, place: Path, key: Key) -> bytes:
    """The attempt's folder for the driver: nothing where it sees it, or can fetch it, by itself."""
    if shared_path(recipe.share) is not None or not place.exists():
        return b""
    with tempfile.TemporaryFile() as spool:
        pack(place, spool, name=place.name, uid=0, gid=0)
        spool.seek(0)
        packed = spool.read()
    if not recipe.share:
        return packed
    import fsspec

    with fsspec.open(remote(recipe, key), "wb") as file:
        file.write(packed)
    return b""


def fetch(recipe: Recipe, place: Path, key: Key) -> None:
    """What another node did of this attempt, where the share has it and this node has nothing."""
    if not recipe.share or shared_path(recipe.share) is not None or place.exists():
        return
    import fsspec

    try:
        with fsspec.open(remote(recipe, key), "rb") as file:
            unpacked(file.read(), place)
    except FileNotFoundError:
        return


def unpacked(packed: bytes, place: Path) -> None:
    """Put a folder that another machine packed in the place of what is there. Its content is hostile."""
    if place.exists():
        remove_tree(place)
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile() as spool:
        spool.write(packed)
        spool.seek(0)
        unpack_single(spool, place, max_bytes=MOST_BYTES, max_members=MOST_FILES)


def remote(recipe: Recipe, key: Key) -> str:
    place = attempt_folder(Path(recipe.run), key)
    return f"{recipe.share.rstrip('/')}/{place.as_posix()}.tar"
