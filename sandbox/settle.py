"""Builds a repository's image, and where that or a first look at its tests fails, learns from it and tries again.

Bounded twice, in tries and in seconds, and without a model: `sandbox.discovery.remedy` says what a failure asks for.
What was learned is kept by the content of the tree and by the recipe, so that the next run starts at once, and the
next commit where this one ended.
"""

import json
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from sandbox import open_sandbox
from sandbox.api import MEBIBYTE, BuildFailed, Image, ImageUnavailable
from sandbox.cache import Cache
from sandbox.discovery.recipe import Recipe
from sandbox.discovery.remedy import Remedy, remedies
from sandbox.image import Opener, build, content_hash, hashed
from sandbox.store import Tell
from sandbox.testrun import run_tests

TRIES = 6  # remedies after the first plan
SECONDS = 1800.0  # after which no further try begins
COLLECT_SECONDS = 120.0
LOOK_SECONDS = 60.0  # of the tests' own run that is looked at
KEPT_PLANS = 200
_FILE = "remedies.json"
_COLLECTED = re.compile(r"^\S+\.(py|txt|rst|md)(::|: \d)", re.MULTILINE)  # a line of `--collect-only -q`
_PYTEST = re.compile(r"(^|\s|/)(py\.test|pytest)(\s+-[^&|;]*)?$")  # options may follow
Build = Callable[[Recipe], Image]


@dataclass(frozen=True, slots=True)
class Settled:
    image: Image
    recipe: Recipe
    learned: tuple[Remedy, ...] = ()


def settle(tree: Path, recipe: Recipe, kind: str, *, cache: Path, tell: Tell, base: str = "") -> Settled:
    """The image of the repository in the folder `tree`, and the recipe that it was made from in the end.

    Raises:
        BuildFailed: no image could be built, whatever was tried.
        ImageUnavailable, NetworkUnavailable, SandboxUnavailable, BadInput: as `sandbox.image.build`.
    """

    def made(wanted: Recipe) -> Image:
        return build(tree, wanted, kind, cache=cache, tell=tell, base=base)

    plans = Plans(Cache(cache / "plans"))
    # With the command: where a person names another one, what was learned of the first is not for it.
    near = hashed(kind, base, recipe.digest(), recipe.test_command)
    exact = hashed(near, content_hash(tree))
    if (known := plans.find(exact)) is not None:
        learned = _applied(recipe, known)
        return Settled(made(learned), learned, known)
    start = plans.find(near) or ()
    found = Search(made, open_sandbox, tell, kind, _names(tree)).run(recipe, start)
    for key in (exact, near):
        plans.keep(key, found.learned)
    return found


@dataclass(frozen=True, slots=True)
class Plans:
    """Remedies by what they were found for."""

    cache: Cache

    def find(self, key: str) -> tuple[Remedy, ...] | None:
        folder = self.cache.find(key)
        if folder is None:
            return None
        return tuple(Remedy(**row) for row in json.loads((folder / _FILE).read_text()))

    def keep(self, key: str, learned: Sequence[Remedy]) -> None:
        with self.cache.turn(key):
            (self.cache.begin(key) / _FILE).write_text(json.dumps([asdict(item) for item in learned]))
            self.cache.finish(key)
        self.cache.prune(KEPT_PLANS)


@dataclass(frozen=True, slots=True)
class Look:
    """A first, short run of the tests."""

    complaint: str  # what it printed if it ended badly
    ran: bool  # whether any test was found and ran


@dataclass(frozen=True, slots=True)
class Search:
    """One search for an image whose tests start."""

    build: Build
    open_sandbox: Opener
    tell: Tell
    kind: str
    own: frozenset[str]  # top-level names in the tree
    clock: Callable[[], float] = time.monotonic

    def run(self, recipe: Recipe, start: Sequence[Remedy] = ()) -> Settled:
        """Raises BuildFailed: the last failure, for which nothing is known that helps; ImageUnavailable: no base."""
        until = self.clock() + SECONDS
        learned = tuple(start)
        best: Settled | None = None
        failure: BuildFailed | None = None
        tried = {(str(item.kind), item.value) for item in learned}
        guessed = False  # the last remedy was nothing that the output asked for
        for attempt in range(TRIES + 1):
            wanted = _applied(recipe, learned)
            try:
                image = self.build(wanted)
            except (BuildFailed, ImageUnavailable) as error:
                if best is not None:  # the last remedy did harm
                    return best
                if not isinstance(error, BuildFailed):  # it asked for a Python that is not here
                    raise failure or error from error
                failure, look = error, Look(error.log, ran=False)
            else:
                look = self._look(image, wanted)
                if best is not None and guessed and not look.ran:
                    learned, wanted = best.learned, best.recipe  # no better than the one before
                else:
                    best = Settled(image, wanted, learned)
            remedy = self._asked_for(look, wanted, tried)
            if guessed := remedy is None and best is not None and not look.ran:
                remedy = _other_command(wanted, tried)
            if remedy is None or attempt == TRIES or self.clock() > until:
                break
            tried.add((remedy.kind, remedy.value))
            learned = (*learned, remedy)
            self.tell(f"learned from a failure ({remedy.symptom}): {remedy.kind} {remedy.value}")
        if best is None:
            assert failure is not None
            raise failure
        return best

    def _asked_for(self, look: Look, recipe: Recipe, tried: set[tuple[str, str]]) -> Remedy | None:
        """What the complaint asks for, if it was not tried yet."""
        for remedy in remedies(look.complaint, recipe, self.own):
            if (remedy.kind, remedy.value) in tried:
                continue
            if remedy.kind == "system" and self.kind != "docker":
                self.tell(f"this machine lacks {remedy.value}: apt-get install {remedy.value}, or use docker")
                continue
            return remedy
        return None

    def _look(self, image: Image, recipe: Recipe) -> Look:
        """Of pytest what it collects, and then some tests; of another runner as much as it does in that time."""
        command = recipe.test_command
        with self.open_sandbox(image) as sandbox:
            if not _PYTEST.search(command):
                report = run_tests(sandbox, command, timeout=LOOK_SECONDS)
                passed = report.exit_code == 0 or bool(report.ids("passed") - {report.command})
                ran = report.timed_out or (report.usable and passed)
                return Look("" if report.exit_code == 0 or report.timed_out else report.log, ran)
            looked = f"{command} --collect-only -q -p no:cacheprovider --continue-on-collection-errors"
            done = sandbox.exec(looked, timeout=COLLECT_SECONDS, max_output=8 * MEBIBYTE)
            if not done.ok:
                return Look(done.text(), ran=_COLLECTED.search(done.text()) is not None)
            tests = f"{command} -q -p no:cacheprovider --maxfail=20"
            done = sandbox.exec(tests, timeout=LOOK_SECONDS, max_output=8 * MEBIBYTE)
            return Look("" if done.ok else done.text(), ran=True)


def _other_command(recipe: Recipe, tried: set[tuple[str, str]]) -> Remedy | None:
    """Where no test ran for no known reason, the next command that may run them."""
    commands = (item.value for item in recipe.following if item.what == "test command")
    untried = (value for value in commands if ("test command", value) not in tried)
    return next((Remedy("test command", value, f"`{recipe.test_command}` ran no test") for value in untried), None)


def _applied(recipe: Recipe, learned: Sequence[Remedy]) -> Recipe:
    for remedy in learned:
        recipe = remedy.of(recipe)
    return recipe


def _names(tree: Path) -> frozenset[str]:
    """Modules and packages of the repository itself."""
    found = [path for folder in (tree, tree / "src", tree / "lib", tree / "tests", tree / "test") if folder.is_dir()
             for path in folder.iterdir()]  # fmt: skip
    return frozenset(path.stem for path in found if path.is_dir() or path.suffix == ".py")
