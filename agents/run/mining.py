"""Wires what `solve mine` works with: candidates in, validated rows out, each checked in containers as any row is."""

import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from agents.run import grading
from agents.run.issue_words import Words
from agents.run.validation import validate_row
from sandbox import janitor
from sandbox.api import BadInput, BuildFailed, Image, ImageUnavailable, Owner, PathRefused, Sandbox, SandboxError
from sandbox.cache import cache_folder
from sandbox.docker import DockerSandbox
from tasks.batch import run_batch
from tasks.environment import Place
from tasks.grade import Cache, Grader, reason
from tasks.mine.candidate import Candidate
from tasks.mine.harvest import Harvest, Seen
from tasks.mine.survey import survey
from tasks.places import Places
from tasks.row import Row
from tasks.suite import fields

CHUNK = 40  # changes that are looked at before their candidates are run
Make = Callable[[], Candidate | str]  # the candidate, or why there is none


class Enough(Exception):
    """As many rows as were asked for."""


@dataclass(frozen=True)
class Bench:
    """Where candidates are tried. Tests hand in another one."""

    place: Callable[[Row], Place]
    open: Callable[[Image, str], Sandbox]
    grader: Grader
    fresh: Grader  # remembers no verdict
    runs: int  # of the answer, and of the empty patch

    def close(self) -> None:
        self.grader.close()
        self.fresh.close()


def this_bench(options: grading.Options, run: str, runs: int) -> Bench:
    janitor.clean()
    places = Places(lambda row: grading.place_row(row, options))

    def opened(image: Image, task: str) -> Sandbox:
        return DockerSandbox(image, owner=Owner(run, task))

    verdicts = Cache(cache_folder(os.environ) / "grades")
    grader, fresh = Grader(places.get, opened, verdicts), Grader(places.get, opened, verdicts, fresh=True)
    return Bench(places.get, opened, grader, fresh, runs)


@dataclass(frozen=True)
class Mine:
    """One harvest under way."""

    harvest: Harvest
    bench: Bench
    rows: int  # that are wanted
    jobs: int
    words: Words  # what a row's issue says; asked for validated rows alone
    tell: Callable[[str], None] = grading.say

    def run(self, changes: Iterable[tuple[str, Make]]) -> Path:
        """Look at the changes until there are rows enough; the suite's file. What was settled before is passed over.

        Raises:
            NetworkUnavailable: an archive or a repository cannot be had.
        """
        self.tell(f"{self.harvest.folder}: {self.harvest.told()} so far")
        waiting = ((name, make) for name, make in changes if not self.harvest.settled(name))
        try:
            while chunk := list(islice(waiting, CHUNK)):
                if len(self.harvest.rows()) >= self.rows:
                    break
                candidates = list(self._candidates(chunk))
                run_batch(candidates, self._tried, self._keep, self.jobs)
                self.tell(f"yield so far: {self.harvest.told()}")
        except Enough:
            pass
        finally:
            suite = self.harvest.write_suite()
        return suite

    def _candidates(self, chunk: Sequence[tuple[str, Make]]) -> Iterator[Candidate]:
        prints = self.harvest.prints()
        for name, make in chunk:
            made = make()
            if isinstance(made, str):
                self.harvest.add(Seen(id=name, stage="seen", why=made))
            elif made.print() in prints:
                self.harvest.add(Seen(id=name, stage="seen", why="duplicate"))
            else:
                prints.add(made.print())
                yield made

    def _tried(self, candidate: Candidate) -> Seen:
        started = time.monotonic()
        seen = Seen(id=candidate.id, stage="candidate", print=candidate.print())
        try:
            found = self._checked(candidate)
        except (BuildFailed, BadInput, PathRefused) as problem:
            found = f"environment: {reason(problem)}"
        except (SandboxError, ImageUnavailable) as problem:
            return seen.model_copy(update={"why": f"machine: {reason(problem)}", "machine": True, "print": ""})
        seconds = round(time.monotonic() - started, 1)
        if isinstance(found, str):
            return seen.model_copy(update={"why": found, "seconds": seconds})
        issue = self.words(candidate, found)
        row = replace(found, task=replace(found.task, issue=issue))
        extra = {"statement_from": issue.source} | ({"release": candidate.release} if candidate.release else {})
        update = {"stage": "validated", "seconds": seconds, "row": fields(row, flaky=False) | extra}
        return seen.model_copy(update=update)

    def _checked(self, candidate: Candidate) -> Row | str:
        """The validated row, or why there is none."""
        bare = candidate.row()
        place = self.bench.place(bare)
        found = survey(lambda: self.bench.open(place.image, bare.task.id), place.harness, bare)
        if found.why:
            return found.why
        row = candidate.row(found.fail_to_pass, found.pass_to_pass)
        validation = validate_row(row, self.bench.grader, self.bench.fresh, self.bench.runs).validation
        if validation.verdict == "unknown":
            raise SandboxError(validation.reason)
        return row if validation.verdict == "valid" else f"{validation.verdict}: {validation.reason}"

    def _keep(self, seen: Seen) -> None:
        if self.harvest.settled(seen.id):  # what was under way when there was enough is handed in once more
            return
        self.harvest.add(seen)
        told = f": {seen.why}" if seen.why else ""
        self.tell(f"{seen.id} {seen.stage}{told} ({seen.seconds:.0f} s) · {self.harvest.told()}")
        if seen.row is not None and len(self.harvest.rows()) == self.rows:
            raise Enough
