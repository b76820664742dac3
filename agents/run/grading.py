"""Wires what `solve score`, `validate` and `bench` grade with: places, containers, cache, the run's folder."""

import hashlib
import os
import shutil
import sys
import sysconfig
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from agents.run.folders import runs_folder
from sandbox import janitor
from sandbox.api import BadInput, Image, Owner, Sandbox
from sandbox.cache import cache_folder
from sandbox.docker import DockerSandbox
from tasks.batch import run_batch
from tasks.environment import Place, place
from tasks.evaluate import grader as grader_version
from tasks.grade import Cache, Graded, Grader
from tasks.image_settings import Settings
from tasks.ledger import FILE as LEDGER
from tasks.load import Selection, Suite, load, parse_slice
from tasks.predictions import Prediction
from tasks.results import FILE, Result, Results, ungraded
from tasks.row import Row
from tasks.rundir import new_id, replaced
from tasks.score import Score


@dataclass(frozen=True, slots=True)
class Options:
    """What the three commands have in common, as given."""

    tasks: str
    ids: str
    repositories: str
    part: str
    seed: int | None
    mirrors: Path | None
    base_image: str
    jobs: int
    out: Path | None
    regrade: bool
    since: str = ""


@dataclass(frozen=True, slots=True)
class Attempted:
    """An attempt that is to be graded: its result without the verdict."""

    row: Row
    patch: bytes
    result: Result


def open_suite(options: Options) -> Suite:
    """Raises BadInput for what cannot be read or selected."""
    if options.mirrors is not None and not options.mirrors.is_dir():
        raise BadInput(f"there is no folder {options.mirrors}: give --mirrors one with bare mirrors at OWNER/NAME.git")
    return load(
        options.tasks,
        Selection(
            _listed(options.ids),
            _listed(options.repositories),
            parse_slice(options.part) if options.part else slice(None),
            options.seed,
            options.since,
        ),
    )


def open_folder(options: Options, about: str) -> Path:
    """The run's folder, new or with the results of an earlier start of the same command."""
    folder = options.out or runs_folder() / new_id(about)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "logs").mkdir(exist_ok=True)
    except OSError as error:
        raise BadInput(f"cannot write {folder} ({error.strerror}): give another folder with --out") from error
    if (folder / LEDGER).exists():
        raise BadInput(f"{folder} is a run of `solve bench`: give another folder with --out")
    if not (folder / FILE).exists() and any(path.name != "logs" for path in folder.iterdir()):
        raise BadInput(f"{folder} is not empty and has no {FILE}: give another folder with --out")
    return folder


def open_grader(options: Options, run: str, *, fresh: bool = False) -> Grader:
    """With `fresh` it grades again what was graded before."""
    janitor.clean()

    def opened(image: Image, task: str) -> Sandbox:
        return DockerSandbox(image, owner=Owner(run, task))

    verdicts = Cache(cache_folder(os.environ) / "grades")
    return Grader(lambda row: place_row(row, options), opened, verdicts, fresh=fresh or options.regrade)


def place_row(row: Row, options: Options) -> Place:
    """The row's image, built where it is missing; raises as `tasks.environment.place`."""
    cache = cache_folder(os.environ) / "images"
    return place(row, Settings(options.base_image, options.mirrors, cache, _uv(), say))


def grade_all(
    attempts: Sequence[Attempted],
    grader: Grader,
    folder: Path,
    jobs: int,
    *,
    fresh: bool = False,
) -> list[Result]:
    """Grade what has no verdict yet; every row of the run's results, with those of earlier starts.

    With `fresh` nothing that was graded before counts; a verdict on another patch or row, or by older rules, never.
    """
    results = Results(folder)
    done = {result.key: result for result in results.read()} if not fresh else {}
    waiting = [attempt for attempt in attempts if not _settles(done.get(attempt.result.key), attempt.result)]
    say(f"{len(attempts)} attempts, {len(attempts) - len(waiting)} of them graded before")
    progress = Progress(len(waiting))
    ahead = {attempt.result.key: later for attempt, later in zip(waiting, waiting[jobs:], strict=False)}

    def work(attempt: Attempted) -> tuple[Attempted, Graded]:
        if not attempt.patch.strip():
            return attempt, Graded(Score("unresolved", "empty_patch", attempt.result.reason or "there is no patch"))
        later = ahead.get(attempt.result.key)
        following = (later.row, later.patch) if later and later.patch.strip() else None
        return attempt, grader.grade(attempt.row, attempt.patch, following)

    def keep(found: tuple[Attempted, Graded]) -> None:
        attempt, graded = found
        progress.tell(keep_result(folder, results, attempt.result, graded))

    run_batch(waiting, work, keep, jobs)
    wanted = {attempt.result.key for attempt in attempts}
    return [result for result in results.read() if result.key in wanted]


def _settles(before: Result | None, asked: Result) -> bool:
    """Whether a verdict of an earlier start is one on what is asked now."""
    if before is None or before.outcome == "infra_error":
        return False
    what = (before.model_patch, before.suite, before.grader)
    return what == (asked.model_patch, asked.suite, grader_version())


def keep_result(folder: Path, results: Results, result: Result, graded: Graded) -> Result:
    """Write down a verdict and the log behind it."""
    result = graded_result(result, graded)
    if graded.log:
        replaced(folder / "logs" / log_name(result), graded.log.encode("utf-8", "replace"))
    results.add(result)
    return result


def predicted(row: Row, prediction: Prediction, suite: str) -> Attempted:
    """A prediction, to be graded."""
    result = ungraded(row, prediction.model, prediction.patch, prediction.run, suite)
    return Attempted(row, prediction.patch, result.model_copy(update={"published": prediction.published}))


def unpredicted(attempts: Sequence[Attempted], rows: Collection[str]) -> dict[str, int]:
    """For how many of the rows each solver handed in nothing at all; solvers that left out none are not named."""
    seen: dict[str, set[str]] = {}
    for attempt in attempts:
        seen.setdefault(attempt.result.model_name_or_path, set()).add(attempt.row.task.id)
    return {model: left for model, tasks in seen.items() if (left := len(rows) - len(tasks))}


def graded_result(result: Result, graded: Graded) -> Result:
    score = graded.score
    return result.model_copy(
        update={
            "outcome": score.outcome,
            "cause": score.cause,
            "reason": score.reason,
            "flagged": score.flagged,
            "applied": score.applied,
            "dropped": score.dropped,
            "fail_to_pass": dict(score.fail_to_pass),
            "not_kept": score.not_kept,
            "grading": graded.seconds,
            "image": graded.image,
            "grader": grader_version(),
            "cached": graded.cached,
        }
    )


def log_name(result: Result) -> str:
    """A file name of its own for each attempt, whatever names came with a prediction."""
    parts = [part for part in (result.instance_id, result.model_name_or_path, result.settings) if part]
    plain = "-".join("".join(sign if sign.isalnum() or sign in "._-" else "_" for sign in part) for part in parts)
    if plain != "-".join(parts) or len(plain.encode()) > 180:
        plain = f"{plain.encode()[:160].decode(errors='ignore')}-{hashlib.sha256(repr(parts).encode()).hexdigest()[:8]}"
    return f"{plain}-{result.run}.log"


class Progress:
    """One line for each result, on standard error."""

    def __init__(self, total: int) -> None:
        self._total, self._count = total, 0

    def tell(self, result: Result) -> None:
        self._count += 1
        seconds = "cached" if result.cached else f"{sum(result.grading.values()):.1f} s"
        marks = f" [{', '.join(result.flagged)}]" if result.flagged else ""
        reason = f": {result.reason}" if result.reason else ""
        say(
            f"{self._count}/{self._total} {result.instance_id} {result.model_name_or_path} #{result.run} "
            f"{result.outcome}{reason}{marks} ({seconds})"
        )


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def exit_status(results: Sequence[Result]) -> int:
    """0 all rows graded, 3 infrastructure rows remain."""
    return 3 if any(result.outcome == "infra_error" for result in results) else 0


def default_jobs() -> int:
    return os.cpu_count() or 1


def _listed(text: str) -> tuple[str, ...]:
    """`a,b`, or `@FILE` with one a line."""
    if text.startswith("@"):
        try:
            return tuple(Path(text[1:]).read_text("utf-8").split())
        except OSError as error:
            raise BadInput(f"cannot read {text[1:]} ({error.strerror})") from error
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _uv() -> Path | None:
    """The uv of our own environment, else the one on PATH."""
    own = Path(sysconfig.get_path("scripts")) / "uv"
    found = str(own) if own.is_file() else shutil.which("uv")
    return Path(found) if found else None
