"""Where a batch is worked on: the machine's engine and images, the workers, and who watches."""

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from agents.run import grading
from agents.run.attempt import FREE, Attempting, attempt_folder, carried
from agents.run.batch import Batch, Begun
from agents.run.bench_view import clock_time, watching
from agents.run.conditions import PROGRAM, digests
from agents.run.ray_node import Recipe, machine_of_a_node
from agents.run.signals import on_signals
from sandbox import janitor
from sandbox.api import BadInput, Image, Owner, Sandbox, SandboxError
from sandbox.cache import cache_folder
from sandbox.docker import DockerSandbox
from sandbox.engine import answers, connect
from sandbox.reclaim import Disk
from tasks.adaptive import Lanes
from tasks.admission import Containers, places
from tasks.bench import Bench, Crew
from tasks.environment import Place
from tasks.grade import Cache, Grader
from tasks.notice import Notice, Told
from tasks.places import Places
from tasks.planned import rows_of
from tasks.pulse import Pulse
from tasks.purse import Purse
from tasks.row import Row
from tasks.stop import Stop
from tasks.tally import Tally
from tasks.watched import Watched
from tasks.work import Work

GIGABYTE = 10**9
ASKED = 5.0  # seconds that the engine has to answer its pulse


@dataclass(frozen=True)
class Machine:
    """What a batch works with. Tests hand in another one."""

    open: Callable[[Image, Owner], Sandbox]
    place: Callable[[Row, grading.Options], Place]
    alive: Callable[[], bool]
    sweep: Callable[[], object]  # what dead processes left
    clear: Callable[[], object]  # what this process has
    containers: int


def this_machine() -> Machine:
    return Machine(
        open=lambda image, owner: DockerSandbox(image, owner=owner),
        place=grading.place_row,
        alive=engine_answers,
        sweep=janitor.clean,
        clear=janitor.clean_own,
        containers=places(),
    )


def engine_answers() -> bool:
    """Whether the engine lists its containers, which a wedged one does not, though it may answer a ping."""
    try:
        client = connect(ASKED)
        try:
            with answers("the engine does not answer"):
                client.api.containers(limit=1)
        finally:
            client.close()
    except SandboxError:
        return False
    return True


def work(batch: Batch, machine: Machine, begun: Begun, stop: Stop, environment: Mapping[str, str]) -> int:
    """Do the jobs; how many were not admitted."""
    here = batch.executor == "threads"
    if here:
        machine.sweep()
    images = pictures(batch, machine, cache_folder(environment))
    lanes, pulse, tally = Lanes(), Pulse(machine.alive if here else lambda: True), Tally(begun.planned, begun.history)
    containers = Containers(machine.containers, ready=lambda: not pulse.silence)
    running: list[Callable[[], Sequence[Watched]]] = [lambda: ()]
    view = watching(
        Console(stderr=True),
        tally,
        lambda: running[0](),
        lambda: held_up(pulse, stop, lanes),
        as_json=batch.as_json,
    )
    with view as told, workshop(batch, machine, begun.folder, images, lanes, environment) as (worker, crew):
        bench = Bench(
            worker,
            begun.ledger,
            begun.history,
            purse(batch, begun),
            containers,
            crew,
            stop=stop,
            pulse=pulse,
            tell=told,
            clear=machine.clear,
            claim=begun.claim,
            kept=begun.kept,
        )
        running[0] = bench.running
        count = len(begun.planned)
        told(Notice("said", text=f"{begun.folder}: {count} attempts, {count - len(begun.jobs)} of them done before"))
        tally.begin()
        with on_signals(lambda: asked_to_stop(stop, told)):
            if here:
                images.make_ahead(rows_of([job.planned for job in begun.jobs]))
            agenda = bench.run(begun.jobs)
            images.close()
    return len(agenda.left)


@contextlib.contextmanager
def workshop(
    batch: Batch,
    machine: Machine,
    folder: Path,
    images: Places,
    lanes: Lanes,
    environment: Mapping[str, str],
) -> Iterator[tuple[Work, Crew]]:
    """What does the work, and how many at once.

    Raises:
        BadInput: there is no such cluster, or a budget that cannot be held on one.
    """
    jobs = batch.options.jobs
    if batch.executor == "threads":
        jobs = jobs or grading.default_jobs()
        made = attempting(batch.options, machine, folder, images, lanes, environment)
        with contextlib.closing(made.grader):  # which leaves no container when this ends
            yield made, Crew(jobs, max(1, min(jobs, machine.containers)))
        return
    from agents.run.ray_work import Cluster, RayWork

    with contextlib.closing(Cluster(batch.ray_address)) as cluster:
        graders = max(1, cluster.slots // 4)  # of the slots, so that nothing waits for one while its deadline runs
        agents = max(1, min(jobs or cluster.slots, cluster.slots - graders))
        yield RayWork(cluster, recipe(batch, folder, environment), folder), Crew(agents, graders)


def recipe(batch: Batch, folder: Path, environment: Mapping[str, str]) -> Recipe:
    allowances = batch.allowances
    if allowances.task is None and (allowances.run, allowances.model) != (None, None):
        raise BadInput("on a cluster a budget is held by each attempt's own: give --task-budget too")
    return Recipe(
        folder.name,
        batch.options,
        batch.share,
        tuple(digests([*PROGRAM, *batch.models], environment)),
        allowances.task,
        allowances.seconds,
        machine_of_a_node,
    )


def attempting(
    options: grading.Options,
    machine: Machine,
    folder: Path,
    images: Places,
    lanes: Lanes,
    environment: Mapping[str, str],
) -> Attempting:
    """The attempts of a run, made on this machine."""
    cache = cache_folder(environment)
    grader = Grader(images.get, _not_watched, Cache(cache / "grades"), fresh=options.regrade)
    return Attempting(folder, options.mirrors, cache, images.get, machine.open, grader, lanes, environment)


def purse(batch: Batch, begun: Begun) -> Purse:
    """The budgets, with what earlier starts have spent."""
    folder = begun.folder
    left = [job.planned.key for job in begun.jobs if job.stage == "solve"]
    found = {key: carried(folder, key) for key in left if attempt_folder(folder, key).exists()}
    return Purse(batch.allowances, begun.history.spent(without=found), found, FREE)


def pictures(batch: Batch, machine: Machine, cache: Path) -> Places:
    """The rows' images; with `--disk` the longest unused are removed as others are made."""
    options = batch.options
    if batch.disk is None:
        return Places(lambda row: machine.place(row, options))
    disk, turn = Disk(int(batch.disk * GIGABYTE), cache / "images-used"), threading.Lock()

    def make(row: Row) -> Place:
        place = machine.place(row, options)
        disk.use(place.image.ref)
        with turn:
            images.forget([image.id for image in disk.keep_below({place.image.ref, *images.latest})])
        return place

    images = Places(make, lambda place: disk.use(place.image.ref), latest=2 * (options.jobs + machine.containers))
    return images


def held_up(pulse: Pulse, stop: Stop, lanes: Lanes) -> str:
    """What a person should know who wonders why nothing moves."""
    if not stop.admits:
        return f"{stop.reason}: nothing new is begun, what runs may end; again to stop now"
    if pulse.silence:
        return f"the container engine has not answered for {clock_time(pulse.silence)}: nothing new is begun"
    slowed = [f"{server} bears {lane.limit} calls" for server, lane in lanes.all().items() if lane.complaints]
    return " · ".join(slowed)


def asked_to_stop(stop: Stop, told: Told) -> None:
    """Ctrl-C or SIGTERM: once, nothing new; twice, stop now."""
    first = stop.admits
    stop.ask()
    told(Notice("said", text=held_up(Pulse(lambda: True), stop, Lanes()) if first else "stopping now"))


def _not_watched(image: Image, task: str) -> Sandbox:
    raise RuntimeError("a batch opens every sandbox for an attempt that is watched")
