"""Builds a repository's image, and where that or a first look at its tests fails, learns from it and tries again.

Bounded twice, in tries and in seconds: `sandbox.discovery.remedy` says what a failure asks for. Where that knows no
more and still no test runs, whoever was handed in is asked for advice. What was learned is kept by the content of the
tree and by the recipe, so that the next run starts at once, and the next commit where this one ended.
"""

import json
import re
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from sandbox import open_sandbox
from sandbox.api import MEBIBYTE, BuildFailed, Image, ImageUnavailable
from sandbox.cache import Cache
from sandbox.discovery.advice import Advise
from sandbox.discovery.recipe import Recipe
from sandbox.discovery.remedy import Remedy, remedies
from sandbox.image import Opener, build, content_hash, hashed
from sandbox.store import Tell
from sandbox.telling import telling
from sandbox.testrun import run_tests

TRIES = 6  # remedies after the first plan
ADVICES = 2  # that are asked for, beyond these
SECONDS = 1800.0  # after which no further try begins
COLLECT_SECONDS = 120.0
LOOK_SECONDS = 60.0  # of the tests' own run that is looked at
KEPT_PLANS = 200
_FILE = "remedies.json"
_COLLECTED = re.compile(r"^\S+\.(py|txt|rst|md)(::|: \d)", re.MULTILINE)  # a line of `--collect-only -q`
_PYTEST = re.compile(r"(^|\s|/)(py\.test|pytest)(\s+-[^&|;]*)?$")  # options may follow
Build = Callable[[Recipe], Image]
Tried = Collection[tuple[str, str]]  # remedies by kind and value


@dataclass(frozen=True, slots=True)
class Settled:
    image: Image
    recipe: Recipe
    learned: tuple[Remedy, ...] = ()
    ran: bool = True  # whether any test did


def settle(tree: Path, recipe: Recipe, kind: str, *, cache: Path, tell: Tell, advise: Advise | None = None) -> Settled:
    """The image of the repository in the folder `tree`, and the recipe that it was made from in the end.

    Raises:
        BuildFailed: no image could be built, whatever was tried.
        ImageUnavailable, NetworkUnavailable, SandboxUnavailable, BadInput: as `sandbox.image.build`.
    """

    def made(wanted: Recipe) -> Image:
        return build(tree, wanted, kind, cache=cache, tell=tell)

    plans = Plans(Cache(cache / "plans"))
    # With the command: where a person names another one, what was learned of the first is not for it.
    near = hashed(kind, recipe.digest(), recipe.test_command)
    exact = hashed(near, content_hash(tree))
    if (known := plans.find(exact)) is not None:
        learned = _applied(recipe, known)
        return Settled(made(learned), learned, known)
    start = plans.find(near) or ()
    found = Search(made, open_sandbox, tell, kind, _names(tree), advise=advise).run(recipe, start)
    for key in (exact, near) if found.ran else ():  # what did not help is no plan
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
    built: bool = True  # False: there was nothing to run them in, and the complaint is the build's


@dataclass(frozen=True, slots=True)
class Search:
    """One search for an image whose tests start."""

    build: Build
    open_sandbox: Opener
    tell: Tell
    kind: str
    own: frozenset[str]  # top-level names in the tree
    clock: Callable[[], float] = time.monotonic
    advise: Advise | None = None

    def run(self, recipe: Recipe, start: Sequence[Remedy] = ()) -> Settled:
        """Raises BuildFailed: the last failure, for which nobody knows what helps; ImageUnavailable: no base."""
        until = self.clock() + SECONDS
        end = self._tried(recipe, tuple(start), until, None)
        for _ in range(ADVICES):
            changes = () if end.ran or self.clock() > until else self._advised(end, _applied(recipe, end.learned))
            if not changes:
                break
            after = self._tried(recipe, (*end.learned, *changes), until, end.failure)
            if after.best is None and end.best is not None:  # the advice did harm
                self.tell(f"taken back: {telling(str(after.failure))}")
                break
            end = after
        if end.best is None:
            assert end.failure is not None
            raise end.failure
        return end.best

    def _tried(self, recipe: Recipe, learned: tuple[Remedy, ...], until: float, failure: BuildFailed | None) -> "_End":
        """What comes of the recipe with what was learned, and of what more can be learned of it without advice."""
        best: Settled | None = None
        look = Look("", ran=False)
        tried = set(map(_key, learned))
        guessed = False  # the last change was nothing that the output asked for
        for attempt in range(TRIES + 1):
            wanted = _applied(recipe, learned)
            try:
                image = self.build(wanted)
            except (BuildFailed, ImageUnavailable) as error:
                if best is not None:  # the last remedy did harm
                    self.tell(f"taken back: {telling(str(error))}")
                    return _End(best, best.learned, look.complaint, failure)
                if not isinstance(error, BuildFailed):  # it asked for a Python that is not here
                    if failure is None:
                        raise
                    return _End(None, tuple(item for item in learned if item.kind != "python"), failure.log, failure)
                failure, look = error, Look(error.log, ran=False, built=False)
            else:
                look = self._look(image, wanted)
                if best is not None and guessed and not look.ran:
                    learned, wanted = best.learned, best.recipe  # no better than the one before
                else:
                    best = Settled(image, wanted, learned, look.ran)
            changes, guessed = self._known(look, wanted, tried)
            if not changes or attempt == TRIES or self.clock() > until:
                break
            tried.update(map(_key, changes))
            learned = (*learned, *self._told(changes))
        return _End(best, learned, look.complaint, failure)

    def _known(self, look: Look, recipe: Recipe, tried: Tried) -> tuple[tuple[Remedy, ...], bool]:
        """The next changes without a model, and whether they are a guess that nothing in the output asked for."""
        remedy = self._asked_for(look, recipe, tried)
        if remedy is not None or look.ran:
            return () if remedy is None else (remedy,), False
        if not look.built:
            return _packages_of_automation(recipe, tried) if self.kind == "docker" else (), True
        return _other_command(recipe, tried), True

    def _advised(self, end: "_End", recipe: Recipe) -> tuple[Remedy, ...]:
        advised = self.advise(recipe, end.complaint) if self.advise else ()
        tried = set(map(_key, end.learned))
        return self._told([item for item in advised if _key(item) not in tried and self._possible(item)])

    def _told(self, changes: Sequence[Remedy]) -> tuple[Remedy, ...]:
        for item in changes:
            self.tell(f"learned from a failure ({item.symptom}): {item.kind} {item.value}")
        return tuple(changes)

    def _asked_for(self, look: Look, recipe: Recipe, tried: Tried) -> Remedy | None:
        """What the complaint asks for, if it was not tried yet."""
        asked = (item for item in remedies(look.complaint, recipe, self.own) if _key(item) not in tried)
        return next(filter(self._possible, asked), None)

    def _possible(self, remedy: Remedy) -> bool:
        if remedy.kind != "system" or self.kind == "docker":
            return True
        self.tell(f"this machine lacks {remedy.value}: apt-get install {remedy.value}, or use docker")
        return False

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


@dataclass(frozen=True, slots=True)
class _End:
    """Where a search came to that knows no more."""

    best: Settled | None
    learned: tuple[Remedy, ...]  # what the last try stood on
    complaint: str  # what it printed
    failure: BuildFailed | None  # the last one

    @property
    def ran(self) -> bool:
        return self.best is not None and self.best.ran


def _key(remedy: Remedy) -> tuple[str, str]:
    return remedy.kind, remedy.value


def _other_command(recipe: Recipe, tried: Tried) -> tuple[Remedy, ...]:
    """Where no test ran for no known reason, the next command that may run them."""
    symptom = f"`{recipe.test_command}` ran no test"
    named = [Remedy("test command", item.value, symptom) for item in recipe.following if item.what == "test command"]
    return tuple(item for item in named if _key(item) not in tried)[:1]


def _packages_of_automation(recipe: Recipe, tried: Tried) -> tuple[Remedy, ...]:
    """Where the build fails for no known reason, what its CI installs to build, all at once."""
    named = [item for item in recipe.following if item.what == "system package"]
    found = (Remedy("system", item.value, f"{item.source} installs it") for item in named)
    return tuple(item for item in found if _key(item) not in tried)


def _applied(recipe: Recipe, learned: Sequence[Remedy]) -> Recipe:
    for remedy in learned:
        recipe = remedy.of(recipe)
    return recipe


def _names(tree: Path) -> frozenset[str]:
    """Modules and packages of the repository itself."""
    found = [path for folder in (tree, tree / "src", tree / "lib", tree / "tests", tree / "test") if folder.is_dir()
             for path in folder.iterdir()]  # fmt: skip
    return frozenset(path.stem for path in found if path.is_dir() or path.suffix == ".py")
