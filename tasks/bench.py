"""Attempts of any number: solved, graded, written down; resumable at any instant, and stopped at any.

Workers take jobs from the agenda. The ledger alone says what was done; this decides by the table in `causes.py` what
becomes of what failed. The thread that calls `run` watches: deadlines, the engine's pulse, a person's wish to stop.
"""

import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from tasks.admission import Containers
from tasks.agenda import Admission, Agenda
from tasks.causes import RULES, Early, cause_of
from tasks.history import History, Standing
from tasks.ledger import Key, Ledger, Line, State
from tasks.limits import Allowance, Budget, OverBudget
from tasks.notice import Notice, Told
from tasks.planned import Job, Planned, Stage
from tasks.pulse import GONE, WEDGED, Pulse
from tasks.purse import Purse
from tasks.results import Result
from tasks.stop import Stop
from tasks.watched import Watched
from tasks.work import Work

SLACK = 900.0  # seconds beyond an attempt's own deadline after which it is ended from outside
GRADING = 2 * 1800.0 + SLACK  # seconds for a verdict: the row's tests, and the answer's where it decides
STUCK = 60.0  # seconds that an ended stage may take to notice
PAUSE, MOST_PAUSE = 2.0, 60.0  # seconds before a failed attempt is made again; four times as long each time
LAST = 20.0  # seconds for the threads to see that everything ends


VERDICT = frozenset(
    {
        "outcome", "cause", "reason", "flagged", "applied", "dropped", "fail_to_pass", "not_kept", "grading", "image",
        "grader", "cached",
    }
)  # fmt: skip  # what grading adds to a result


@dataclass(frozen=True, slots=True)
class Crew:
    """How many at once."""

    agents: int
    graders: int


class Bench:
    def __init__(
        self,
        work: Work,
        ledger: Ledger,
        history: History,
        purse: Purse,
        containers: Containers,
        crew: Crew,
        *,
        stop: Stop,
        pulse: Pulse,
        tell: Told,
        clear: Callable[[], object],
        claim: Callable[[Key], Admission] = lambda key: "now",
        kept: Callable[[Key, Standing], None] = lambda key, standing: None,
        pause: float = PAUSE,
        wall: Callable[[], float] = time.time,
    ) -> None:
        """`clear` removes whatever this process left in the engine. `history` is kept up to date, and `kept` told.
        `claim`: whether another driver of the same run leaves an attempt to this one."""
        self._work, self._ledger, self._history, self._purse = work, ledger, history, purse
        self._containers, self._crew, self._stop, self._pulse = containers, crew, stop, pulse
        self._tell, self._clear, self._pause, self._wall = tell, clear, pause, wall
        self._claim, self._kept = claim, kept
        self._closed: dict[str, str] = {}  # models of which no attempt is begun any more, and why
        self._running: dict[int, Watched] = {}
        self._lock = threading.Lock()
        self._fatal: BaseException | None = None
        self._threads: list[threading.Thread] = []
        self._agenda = Agenda((), self._admit)

    def run(self, jobs: Sequence[Job]) -> Agenda:
        """Do the jobs; what was not admitted is in the agenda's `left`.

        Raises:
            OSError: the ledger cannot be written.
        """
        self._agenda = Agenda(jobs, self._admit)
        with self._pulse:
            for number in range(self._crew.agents):
                self._start("solve", number)
            for number in range(self._crew.graders):
                self._start("grade", number)
            while not self._agenda.over():
                self._agenda.wait(0.5)
                self._look()
                if self._stop.now:
                    break
            self._end()
        if self._fatal is not None:
            raise self._fatal
        return self._agenda

    def running(self) -> list[Watched]:
        with self._lock:
            return list(self._running.values())

    # What the watching thread does.

    def _look(self) -> None:
        if not self._stop.admits:
            self._agenda.stop()
        silence = self._pulse.silence
        if silence > GONE:
            self._stop.end(f"the container engine has not answered for {silence:.0f} s: start it, and run this again")
        for watched in self.running():
            if watched.stuck > STUCK:
                self._abandon(watched)
            elif watched.late:
                watched.end("time", "it did not end by its deadline")
            elif silence > WEDGED and watched.left_open():
                watched.end("engine", f"the container engine has not answered for {silence:.0f} s")

    def _abandon(self, watched: Watched) -> None:
        """A thread that does not come back is left alone; another takes its place."""
        with self._lock:
            if watched.abandoned or id(watched) not in self._running:
                return
            watched.abandoned = True
            del self._running[id(watched)]
            self._threads.remove(watched.thread)
        self._failed(watched.job, "stuck", "it did not end though it was told to")
        self._start(watched.job.stage, len(self._threads))

    def _end(self) -> None:
        self._agenda.stop()
        if self._stop.now:
            for watched in self.running():
                watched.end("cancelled", self._stop.reason)
            self._clear()
        until = time.monotonic() + LAST
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()) if self._stop.now else None)
        if self._stop.now:
            self._clear()  # what a thread was just opening

    def _start(self, stage: Stage, number: int) -> None:
        # Daemons: a thread that hangs in a model's server must not keep the program from ending.
        thread = threading.Thread(target=self._serve, args=(stage,), daemon=True, name=f"{stage}-{number}")
        self._threads.append(thread)
        thread.start()

    # What workers do.

    def _serve(self, stage: Stage) -> None:
        try:
            while (job := self._agenda.take(stage)) is not None:
                if not self._do(job):
                    return
        except BaseException as error:  # a worker that ended in silence would end the batch in silence
            self._fatal = self._fatal or error
            self._stop.end(f"the batch cannot go on: {error}")

    def _do(self, job: Job) -> bool:
        """One stage of an attempt; false if another thread has taken this one's place."""
        urgent = job.stage == "grade"  # what was begun is finished first
        if not self._work.container(job):
            return self._grade(job) if urgent else self._solve(job)
        with self._containers.place(urgent=urgent, going=lambda: self._stop.admits) as goes:
            if not goes:
                self._agenda.put(job)
                return True
            return self._grade(job) if urgent else self._solve(job)

    def _solve(self, job: Job) -> bool:
        try:
            with self._purse.attempt(job.planned) as budget:
                return self._solved(job, budget)
        except OverBudget:  # between its admission and now another took the rest
            self._agenda.put(job, self._pause)
            return True

    def _solved(self, job: Job, budget: Budget) -> bool:
        job = replace(job, tries=job.tries + 1, attempt=job.attempt + 1)
        self._write(job, "solving")
        self._tell(Notice("begun", job.planned.key))
        with self._under_way(Watched(job, budget, self._purse.allowances.seconds + SLACK, self._containers)) as watched:
            early, reason, result = self._try(self._work.solve, job, watched)
        if result is not None:
            early, reason = result.early, result.reason
        if early == "budget":
            early = self._purse.over(budget)
        if watched.abandoned:
            return False
        if early is not None and RULES[early].grade:
            result = result or self._work.so_far(job.planned)
            result = result.model_copy(update={"early": early, "reason": reason})
        elif early is not None:
            self._failed(job, early, reason)
            return True
        assert result is not None
        self._write(job, "solved", result=result.model_dump(mode="json", exclude_defaults=True, exclude={"outcome"}))
        self._tell(Notice("solved", job.planned.key, result.reason))
        self._agenda.put(replace(job, stage="grade", tries=0, solved=result))
        return True

    def _grade(self, job: Job) -> bool:
        job = replace(job, tries=job.tries + 1)
        self._write(job, "grading")
        with self._under_way(Watched(job, Budget(Allowance()), GRADING, self._containers)) as watched:
            early, reason, result = self._try(self._work.grade, job, watched)
        if watched.abandoned:
            return False
        if early is not None:
            self._failed(job, "verifier" if early in ("time", "setting") else early, reason)
            return True
        assert result is not None
        self._write(job, "graded", result=result.model_dump(mode="json", include=set(VERDICT)))
        self._tell(Notice("graded", job.planned.key, result=result))
        self._agenda.finish()
        return True

    def _try(
        self, work: Callable[[Job, Watched], Result], job: Job, watched: Watched
    ) -> tuple[Early | None, str, Result | None]:
        """What came of it: a cause and its reason, or a result."""
        try:
            result = work(job, watched)
            watched.check()
        except Exception as error:  # the door of an attempt: what nobody foresaw ends it, and not the batch
            error = watched.ended or error  # what a closed sandbox raises is no cause
            early = cause_of(error)
            if early == "engine" and not self._pulse.silence and self._pulse.check():
                early = "sandbox"  # the engine is well: it was this container
            if early == "harness bug":
                self._tell(Notice("said", job.planned.key, traceback.format_exc()))
            lines = (str(error).strip() or repr(error)).splitlines()
            return early, lines[0] if len(lines) == 1 else f"{lines[0]} {lines[-1]}", None
        return None, "", result

    @contextmanager
    def _under_way(self, watched: Watched) -> Iterator[Watched]:
        with self._lock:
            self._running[id(watched)] = watched
        try:
            yield watched
        finally:
            with self._lock:
                self._running.pop(id(watched), None)

    def _failed(self, job: Job, early: Early, reason: str) -> None:
        rule = RULES[early]
        again = job.tries < rule.tries and self._stop.admits
        last = not again and early not in ("cancelled", "run budget")
        failed = self._work.so_far(job.planned) if job.solved is None else job.solved
        failed = failed.model_copy(
            update={"outcome": "infra_error", "cause": "infra", "early": early, "reason": reason}
        )
        kept = failed.model_dump(mode="json", exclude_defaults=True, exclude={"reason", "model_patch", "early"})
        self._write(job, "failed", early, reason, last=last, result=kept)
        if rule.closes:
            self._closed[job.planned.model] = reason
        if again:
            pause = min(MOST_PAUSE, self._pause * 4 ** (job.tries - 1))
            self._tell(Notice("again", job.planned.key, f"{reason}; again in {pause:.0f} s", early))
            self._agenda.put(replace(job, again=True), pause)
        else:
            self._tell(Notice("failed", job.planned.key, reason, early, failed if last else None))
            self._agenda.finish()

    def _write(
        self, job: Job, state: State, early: Early | None = None, reason: str = "", *, last: bool = False,
        result: dict[str, object] | None = None,
    ) -> None:  # fmt: skip
        line = Line(
            at=round(self._wall(), 3), state=state, key=job.planned.key, attempt=job.attempt, early=early, last=last,
            reason=reason, result=result or {},
        )  # fmt: skip
        self._ledger.append(line)
        with self._lock:
            self._kept(line.key, self._history.take(line))

    def _admit(self, planned: Planned) -> Admission:
        if planned.model in self._closed:
            return "never"
        money = self._purse.admit(planned)
        return self._claim(planned.key) if money == "now" else money
