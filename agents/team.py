"""`TeamSolver`: a task → an attempt, by a graph of roles. Killed and started again it goes on where it was."""

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast
from urllib.parse import urlsplit

from agents.choose import finalists
from agents.conversation import Brain
from agents.desk import Memory
from agents.groundwork import surveyed
from agents.llm import Models
from agents.models import Cast, Role
from agents.office import Guide, Office
from agents.record import digest
from agents.state import State
from agents.trouble import ModelError
from sandbox.api import BadInput
from tasks.event import Event
from tasks.limits import OverBudget
from tasks.solvers import Site
from tasks.task import Attempt, Cost, Ended, Task, TestFile

if TYPE_CHECKING:
    from langgraph.graph.state import CompiledStateGraph

BRANCHES = 4  # coders at the same time
STEPS = 200  # of one graph: a bound on bugs, not on work
CHECKPOINTS = "checkpoints.sqlite"
QUESTION, ANSWER = "question.json", "answer.json"
MENDABLE = frozenset({"over_budget", "infra_error"})  # ends that more money or another hour may undo

Question = Mapping[str, Any]  # {"about": "plan", "plan": [...]} or {"about": "patch", "patch": ..., "evidence": ...}
Person = Callable[[Question], Mapping[str, Any] | None]  # their answer; None: nobody is there


class Staff(Protocol):
    """The models of one run, and what remembers their work."""

    @property
    def models(self) -> Models: ...

    @property
    def memory(self) -> Memory: ...

    def brains(self) -> Mapping[Role, Brain]: ...

    def cost(self) -> Cost:
        """Everything so far, earlier processes of this run included."""
        ...

    def close(self) -> None: ...


class Waiting(Exception):
    """A person is asked, and nobody is there to answer."""


@dataclass
class TeamSolver:
    """`hire` opens the models of a run; `guide` the index of its tree. Both are closed or kept by who hands them in."""

    cast: Cast
    hire: Callable[[Cast, Site], Staff]
    guide: Callable[[Task, Site], Guide]
    clean: Callable[[str], str]
    attempts: int = 1
    keep_test: bool = True
    approve: frozenset[str] = field(default_factory=frozenset)
    person: Person = lambda question: None
    checkpoints: str = ""  # URL of a Postgres; empty: SQLite beside the journal

    @property
    def name(self) -> str:
        return self.cast.name

    def solve(self, task: Task, site: Site) -> Attempt:
        site.folder.mkdir(parents=True, exist_ok=True)
        staff = self.hire(self.cast, site)
        with closing(staff):
            try:
                attempt = self._solve(task, site, staff)
            except Waiting as error:
                attempt = Attempt(b"", "gave_up", str(error))
            except OverBudget as error:
                attempt = Attempt(b"", "over_budget", str(error))
            except ModelError as error:
                attempt = Attempt(b"", "infra_error", str(error))
            count = staff.models.malformed
            if count:
                site.tell(
                    Event("review", f"{count} replies could not be used, and were paid", data={"malformed": count})
                )
            return replace(attempt, cost=staff.cost())

    def choose(self, task: Task, site: Site, patches: Sequence[bytes]) -> tuple[int, Cost]:
        """The place of the patch that the reviewer's model would merge; the first where it cannot say."""
        from agents.judge import choose_by_model

        with closing(self.hire(self.cast, site)) as staff:
            try:
                place = choose_by_model(self._office(task, site, staff), patches)
            except (OverBudget, ModelError) as error:
                site.tell(Event("review", f"no choice: {error}"))
                place = None
            return place or 0, staff.cost()

    def _office(self, task: Task, site: Site, staff: Staff) -> Office:
        guide = self.guide(task, site)
        return Office(
            task,
            surveyed(task, site, guide, staff.memory),
            staff.brains(),
            staff.memory,
            guide,
            self.clean,
            keep_test=self.keep_test,
            approve=self.approve,
        )

    def _solve(self, task: Task, site: Site, staff: Staff) -> Attempt:
        office = self._office(task, site, staff)
        with checkpoints(site.folder / CHECKPOINTS, self.checkpoints) as saver:
            from agents.graph import build

            graph = build(saver)
            if self.attempts == 1:
                return _attempt(office, self._run(graph, office))
            offices = [replace(office, attempt=f"{number}/") for number in range(1, self.attempts + 1)]
            ends = [(each, self._run(graph, each)) for each in offices]
        return self._chosen(office, ends)

    def _run(self, graph: "CompiledStateGraph[Any, Any, Any, Any]", office: Office) -> State:
        """One attempt to its end, from wherever an earlier process left it."""
        from langgraph.types import Command

        config: Any = {
            "configurable": {"thread_id": _thread(office)},
            "max_concurrency": BRANCHES,
            "recursion_limit": STEPS,
        }
        known, start = graph.get_state(config), config
        if known.values.get("stopped") in MENDABLE:  # also where the process ended before the graph did
            start = _before_the_stop(graph, config)
        # Not `next`: it leaves out a step that ended and is not in a checkpoint yet, and others may follow that one.
        elif known.created_at is not None and not known.tasks:
            return cast("State", known.values)
        (office.site.folder / QUESTION).unlink(missing_ok=True)
        waiting = [ask.value for part in known.tasks for ask in part.interrupts if ask.value["about"] in office.approve]
        step: Any = None if known.created_at is not None else {}
        while True:
            if waiting:
                step = Command(resume=self._ask(office, waiting[0]))
            done = graph.invoke(step, start, context=office, durability="sync")
            start = config
            waiting = [ask.value for ask in done.pop("__interrupt__", ())]
            if not waiting:
                return cast("State", done)

    def _ask(self, office: Office, question: Question) -> Mapping[str, Any]:
        """A person's answer: from the file that `solve resume` leaves, or from who sits there.

        Raises:
            Waiting: there is none yet; the question is on disk.
        """
        left = office.site.folder / ANSWER
        if left.exists():
            answer: Mapping[str, Any] = json.loads(left.read_bytes())
            left.unlink()
            return answer
        found = self.person(question)
        if found is None:
            (office.site.folder / QUESTION).write_text(json.dumps(question, indent=1))
            raise Waiting(f"the {question['about']} waits for a decision: solve resume RUN")
        return found

    def _chosen(self, office: Office, ends: list[tuple[Office, State]]) -> Attempt:
        """The best of several attempts. Each is run against the tests that all of them wrote."""
        from agents.judge import judged

        written: dict[str, bytes | None] = {}
        showing: list[str] = []
        for _, state in ends:
            written |= office.store.files(state.get("test", ""))
            showing += state.get("showing", [])
        candidates = [judged(each, state, written, sorted(set(showing))) for each, state in ends]
        left = finalists(candidates)
        if not left:
            return _attempt(*ends[0])
        place = left[0] if len(left) == 1 else _preferred(office, {at: candidates[at].patch for at in left})
        said = f"{len(candidates)} attempts, {sum(bool(c.patch) for c in candidates)} with a patch, number {place + 1}"
        office.site.tell(Event("review", f"chosen of {said}", data={"chosen": place + 1, "of": len(candidates)}))
        return _attempt(*ends[place])


def _preferred(office: Office, patches: Mapping[int, bytes]) -> int:
    """By a model's choice; the shortest where it cannot speak."""
    from agents.judge import choose_by_model

    chosen = choose_by_model(office, list(patches.values()))
    return min(patches, key=lambda place: len(patches[place])) if chosen is None else list(patches)[chosen]


def _thread(office: Office) -> str:
    """Which of a database's runs this is: one database may hold those of many folders."""
    return f"{digest(str(office.site.folder.resolve()))[:16]}/{office.attempt}"


def _before_the_stop(graph: "CompiledStateGraph[Any, Any, Any, Any]", config: Any) -> Any:
    """The last step of a run from before it was stopped. What was done since is in the journal, and not paid again."""
    steps = graph.get_state_history(config)
    found = next(step.config for step in steps if step.next and not step.values.get("stopped"))
    return {**config, "configurable": found["configurable"]}


def _attempt(office: Office, state: State) -> Attempt:
    patch = office.store.get(state.get("best", ""))
    stopped, why = state.get("stopped", ""), state.get("why", "")
    test = office.store.files(state.get("test", ""))
    tests = tuple(TestFile(path, content, "model") for path, content in test.items() if content is not None)
    ended: Ended = "patched" if patch else "gave_up"
    if stopped in ("over_budget", "infra_error"):
        ended = stopped  # type: ignore[assignment]
    reason = why or ("" if patch and state.get("good") else "the tests that show the issue could not be made to pass")
    return Attempt(patch, ended, reason if patch else why or "no change came of it", tests=tests)


@contextmanager
def checkpoints(path: Path, url: str = "") -> Iterator[Any]:
    """Where the graph's steps are kept, each synced before the next one: in SQLite, or in the Postgres at `url`.

    Raises:
        BadInput: the driver for Postgres is not installed, or nobody answers at `url`.
    """
    if url:
        with _postgres(url) as saver:
            yield saver
        return
    from langgraph.checkpoint.sqlite import SqliteSaver

    with closing(sqlite3.connect(path, check_same_thread=False)) as connection:
        yield SqliteSaver(connection)


@contextmanager
def _postgres(url: str) -> Iterator[Any]:
    try:
        import psycopg
        from langgraph.checkpoint.postgres import PostgresSaver
    except ImportError as error:
        raise BadInput("checkpoints in Postgres need its driver: pip install 'solve[postgres]'") from error
    where = urlsplit(url).hostname or "its socket"
    with ExitStack() as stack:
        try:
            saver = stack.enter_context(PostgresSaver.from_conn_string(url))
            saver.setup()
        except psycopg.Error as error:
            raise BadInput(f"SOLVE_CHECKPOINTS: no Postgres at {where}: {str(error).splitlines()[0]}") from error
        yield saver
