"""Patches → scores: the row's place, a fresh sandbox, the verdict, and never the same work twice."""

import hashlib
import json
import re
import threading
from collections import defaultdict
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from sandbox.api import BadInput, BuildFailed, Image, ImageUnavailable, Sandbox, SandboxError
from tasks.environment import Place
from tasks.evaluate import RowBroken, evaluate, grader
from tasks.flags import flags
from tasks.row import Row
from tasks.score import Score, needs_gold, score
from tasks.standby import Standby

# What pip prints around the error of the program that it ran.
_PIPS_OWN = re.compile(
    r"subprocess-exited-with-error|error originates from a subprocess|metadata-generation-failed|ResolutionImpossible"
)
Open = Callable[[Image, str], Sandbox]  # by image and row


@dataclass(frozen=True, slots=True)
class Graded:
    score: Score
    image: str = ""  # by content
    seconds: dict[str, float] = field(default_factory=dict)  # by stage
    log: str = ""  # the last lines that the tests printed
    cached: bool = False


_GRADED = TypeAdapter(Graded)


@dataclass(frozen=True, slots=True)
class Cache:
    """Verdicts by everything that decides them. A verdict on a machine that failed is never kept."""

    folder: Path

    def get(self, key: str) -> Graded | None:
        try:
            found = _GRADED.validate_json((self.folder / f"{key}.json").read_bytes())
        except (FileNotFoundError, ValidationError):
            return None
        return replace(found, cached=True)

    def put(self, key: str, graded: Graded) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        scratch = self.folder / f".{key}.{threading.get_ident()}"
        scratch.write_text(json.dumps(asdict(graded)))
        scratch.replace(self.folder / f"{key}.json")


class Grader:
    """Grades patches of any rows, from any number of threads."""

    def __init__(
        self,
        place: Callable[[Row], Place],
        open_sandbox: Open,
        cache: Cache | None,
        *,
        fresh: bool = False,
    ) -> None:
        """`open_sandbox` takes an image and the row's id; with `fresh` the cache is written, not read."""
        self._place, self._open, self._cache, self._fresh = place, open_sandbox, cache, fresh
        self._lock = threading.Lock()
        self._places: dict[str, Place] = {}
        self._busy: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        self._standby = Standby()

    def grade(self, row: Row, patch: bytes, following: tuple[Row, bytes] | None = None) -> Graded:
        """The score of a patch; an empty one is run too. What the machine or the row is to blame for is
        `infra_error`, with its reason. While the tests run, the container of the `following` patch starts."""
        try:
            return self.verdict(row, patch, following=following)
        except (SandboxError, BadInput, RowBroken) as problem:
            return Graded(Score("infra_error", "infra", reason(problem)), log=str(problem))

    def close(self) -> None:
        """Wait until every container is gone. Nothing is graded afterwards."""
        self._standby.close()

    def verdict(
        self, row: Row, patch: bytes, open_sandbox: Open | None = None, following: tuple[Row, bytes] | None = None
    ) -> Graded:
        """As `grade`; what the machine or the row is to blame for is raised.

        Raises:
            SandboxError, BadInput, RowBroken: as the row's place and the run of its tests do.
        """
        try:
            return self._verdict(row, patch, open_sandbox or self._opened, following)
        except ImageUnavailable:
            with self._alone(f"place {row.task.id}"):
                self._places.pop(row.task.id, None)  # somebody removed it: the next one makes it again
            raise

    def _verdict(self, row: Row, patch: bytes, open_sandbox: Open, following: tuple[Row, bytes] | None) -> Graded:
        place = self._placed(row)
        key = cache_key(row, patch, place)

        def opened() -> Sandbox:
            return open_sandbox(place.image, row.task.id)

        def first() -> Sandbox:
            sandbox = opened()
            if following:
                self._standby.order(following[0].task.id, partial(self._begin, *following))
            return sandbox

        with self._alone(key):
            if (kept := self._kept(key)) is not None:
                return kept
            evidence = evaluate(first, place.harness, row.answer, patch, self._standby.end)
            gold = (
                evaluate(opened, place.harness, row.answer, row.answer.patch, self._standby.end)
                if needs_gold(row.answer, evidence)
                else None
            )
            seconds = {name: round(spent, 3) for name, spent in evidence.seconds.items()}
            graded = Graded(score(row.answer, evidence, flags(patch), gold), place.image.ref, seconds, evidence.log)
            if self._cache:
                self._cache.put(key, graded)
            return graded

    def _kept(self, key: str) -> Graded | None:
        return self._cache.get(key) if self._cache and not self._fresh else None

    def _begin(self, row: Row, patch: bytes) -> Sandbox | None:
        """A container for a patch that is graded next; None where its verdict is known."""
        place = self._placed(row)
        return None if self._kept(cache_key(row, patch, place)) else self._open(place.image, row.task.id)

    def _opened(self, image: Image, task: str) -> Sandbox:
        return self._standby.take(task) or self._open(image, task)

    def _placed(self, row: Row) -> Place:
        """One thread builds a row's image; the others wait for it."""
        with self._alone(f"place {row.task.id}"):
            if row.task.id not in self._places:
                self._places[row.task.id] = self._place(row)
            return self._places[row.task.id]

    def _alone(self, name: str) -> threading.Lock:
        with self._lock:
            return self._busy[name]


def reason(problem: Exception) -> str:
    """A failure in one line; of a build what it said of its error, not only which step it was (pure)."""
    if not isinstance(problem, BuildFailed):
        return str(problem).splitlines()[0]
    lines = [line.strip() for line in problem.tail.splitlines() if line.strip()] or ["it printed nothing"]
    telling = [line for line in lines if re.search(r"error\b", line, re.IGNORECASE) and not _PIPS_OWN.search(line)]
    return f"{problem.step} failed: {(telling or lines)[-1][:300]}"


def cache_key(row: Row, patch: bytes, place: Place) -> str:
    """Names everything that a verdict depends on (pure)."""
    harness = (place.harness.command, place.harness.files, place.harness.timeout)
    parts = (row.digest(), hashlib.sha256(patch).hexdigest(), place.image.ref, harness, grader())
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]
