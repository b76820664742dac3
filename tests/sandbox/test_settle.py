"""Learning from failures: bounded, remembered, and never worse than what stood before."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest

from sandbox.api import BuildFailed, ExecResult, Image, ImageUnavailable, Sandbox
from sandbox.cache import Cache
from sandbox.discovery.advice import SYMPTOM, Advice, Advise
from sandbox.discovery.recipe import Evidence, Recipe
from sandbox.discovery.remedy import Remedy
from sandbox.fake import FakeSandbox, Step, done
from sandbox.settle import ADVICES, TRIES, Plans, Search

BUILT = (Evidence("test command", "npm run build && npm test -- --json", "package.json"),)
IMAGE = Image("fake", "x", "/work")
RECIPE = Recipe("python", requirements=("pytest",))
GOOD = done(b"3 passed\n")
NOTHING = done(b"no tests collected in 0.01s\n", exit_code=5)
CI = ("libfoo-dev", "libbar-dev", "gfortran")
OTHERS = tuple(Evidence("test command", name, "tox.ini") for name in ("pytest -o a=1", "pytest -o b=1"))


def lacks(module: str) -> ExecResult:
    return done(f"E   ModuleNotFoundError: No module named '{module}'\n".encode(), exit_code=2)


@dataclass
class Site:
    """Builds whatever is asked, unless told to fail; looks answer from `looks` in their order."""

    looks: list[ExecResult] = field(default_factory=list)
    failures: dict[int, BuildFailed | ImageUnavailable] = field(default_factory=dict)  # by the number of the build
    built: list[Recipe] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    kind: str = "docker"
    now: float = 0.0
    step: float = 0.0  # seconds that a build takes

    def build(self, recipe: Recipe) -> Image:
        self.built.append(recipe)
        self.now += self.step
        if (failure := self.failures.get(len(self.built))) is not None:
            raise failure
        return IMAGE

    def open(self, image: Image) -> Sandbox:
        collected = self.looks.pop(0) if self.looks else GOOD
        return FakeSandbox([Step(re.compile("--collect-only"), collected), Step(re.compile("--maxfail"), GOOD)])

    def search(
        self, start: Sequence[Remedy] = (), following: tuple[Evidence, ...] = (), advise: Advise | None = None
    ) -> tuple[Recipe, tuple[Remedy, ...]]:
        search = Search(
            self.build, self.open, self.told.append, self.kind, frozenset({"own"}), lambda: self.now, advise
        )
        found = search.run(replace(RECIPE, following=following), start)
        return found.recipe, found.learned


def test_what_works_is_built_once() -> None:
    site = Site()
    assert site.search() == (RECIPE, ())
    assert len(site.built) == 1


def test_each_failure_teaches_one_thing() -> None:
    site = Site([lacks("yaml"), lacks("own"), lacks("unused")])
    recipe, learned = site.search()
    assert recipe.requirements == ("pytest", "PyYAML")  # `own` is the tree's: no index has it
    assert [item.value for item in learned] == ["PyYAML"]
    assert site.told == ["learned from a failure (No module named 'yaml'): requirement PyYAML"]


def test_a_failed_build_is_learned_from_too() -> None:
    log = "x.c:1:10: fatal error: libpq-fe.h: No such file or directory\n" + "more\n" * 100
    site = Site(failures={1: BuildFailed("repository", "exit 1", log)})
    assert site.search()[0].system == ("libpq-dev",)


def test_where_nothing_is_known_the_first_failure_is_told() -> None:
    site = Site(failures={1: BuildFailed("repository", "needs a wizard")})
    with pytest.raises(BuildFailed, match="needs a wizard"):
        site.search()
    assert len(site.built) == 1


def test_a_remedy_that_breaks_the_build_is_taken_back() -> None:
    site = Site([lacks("yaml")], {2: BuildFailed("dependencies", "conflict")})
    assert site.search() == (RECIPE, ())
    assert site.told[-1] == "taken back: the environment cannot be built, `dependencies` failed: conflict"


def test_a_python_that_is_not_here_leaves_what_stood_before() -> None:
    old = done(b"ImportError: cannot import name 'Mapping' from 'collections'", exit_code=2)
    site = Site([old], {2: ImageUnavailable("no base image for Python <3.10")})
    assert site.search() == (RECIPE, ())
    lost = Site([], {1: BuildFailed("repository", "No module named 'imp'"), 2: ImageUnavailable("no base image")})
    with pytest.raises(BuildFailed, match="imp"):
        lost.search()


def test_tries_and_time_are_bounded() -> None:
    site = Site([lacks(f"m{number}") for number in range(50)])
    assert len(site.search()[1]) == TRIES == len(site.built) - 1
    slow = Site([lacks(f"m{number}") for number in range(50)], step=1000.0)
    slow.search()
    assert len(slow.built) == 2


def test_where_a_build_fails_for_no_known_reason_it_gets_what_ci_installs_to_build() -> None:
    listed = [Evidence("system package", name, ".github/workflows/ci.yml") for name in CI]
    failures = {
        1: BuildFailed("repository", "configure: error: no foo"),
        2: BuildFailed("system packages", "E: Unable to locate package libfoo-dev"),
    }
    recipe, learned = Site(failures=dict(failures)).search(following=tuple(listed))
    assert recipe.system == ("libbar-dev", "gfortran"), "what only Ubuntu has is left out again"
    assert [item.kind for item in learned] == ["system"] * 3 + ["without system"]
    with pytest.raises(BuildFailed, match="no foo"):
        Site(failures=dict(failures), kind="bubblewrap").search(following=tuple(listed))


def test_where_no_test_runs_the_next_command_is_tried() -> None:
    site = Site([NOTHING, NOTHING])
    recipe, learned = site.search(following=OTHERS)
    assert recipe.test_command == "pytest -o b=1"
    assert [item.value for item in learned] == ["pytest -o b=1"], "the one that ran nothing either is forgotten"
    assert site.told[0] == ("learned from a failure (`python -m pytest` ran no test): test command pytest -o a=1")


def test_where_none_runs_any_the_first_command_stands() -> None:
    recipe, learned = Site([NOTHING] * 3).search(following=OTHERS)
    assert (recipe.test_command, learned) == (RECIPE.test_command, ())


def test_a_command_that_the_output_asked_for_is_kept_while_more_is_learned() -> None:
    old = done(b"Failed: [pytest] section in setup.cfg files is no longer supported", exit_code=1)
    recipe, learned = Site([old, lacks("yaml")]).search()
    assert [item.kind for item in learned] == ["test command", "requirement"]
    assert recipe.test_command.endswith("--rootdir .")


def test_another_runner_ran_if_a_test_of_its_own_passed() -> None:
    """jest without what a build would make: every file fails to load, and is reported."""
    broken = json.dumps({"numTotalTests": 0, "testResults": [{"name": "a.test.js", "assertionResults": []}]})
    tests = [{"title": "adds", "status": "passed"}, {"title": "fails", "status": "failed"}]
    better = json.dumps({"numTotalTests": 2, "testResults": [{"name": "a.test.js", "assertionResults": tests}]})
    whole = replace(RECIPE, language="javascript", test_command="npm test -- --json", following=BUILT)
    looks = [done(broken.encode(), exit_code=1), done(better.encode(), exit_code=1)]

    def opened(image: Image) -> Sandbox:
        steps = [Step(re.compile("TMPDIR"), done(b"/tmp")), Step(re.compile("npm"), looks.pop(0))]
        return FakeSandbox(steps)

    search = Search(lambda recipe: IMAGE, opened, lambda line: None, "docker", frozenset())
    assert search.run(whole).recipe.test_command == BUILT[0].value
    assert not looks


def test_tests_that_fail_ran() -> None:
    listed = done(b"t/test_a.py::test_x\nE   KeyError: 'x'\n1 test collected, 1 error in 0.1s\n", exit_code=2)
    assert Site([listed]).search(following=OTHERS)[1] == ()


def test_a_machine_without_an_engine_is_told_what_it_lacks() -> None:
    log = "fatal error: libpq-fe.h: No such file or directory"
    site = Site(failures={1: BuildFailed("repository", log)}, kind="bubblewrap")
    with pytest.raises(BuildFailed):
        site.search()
    assert site.told == ["this machine lacks libpq-dev: apt-get install libpq-dev, or use docker"]


def test_what_was_learned_before_is_where_the_next_search_starts(tmp_path_factory: pytest.TempPathFactory) -> None:
    plans = Plans(Cache(tmp_path_factory.mktemp("plans")))
    assert plans.find("k") is None
    learned = (Remedy("requirement", "PyYAML", "No module named 'yaml'"),)
    plans.keep("k", learned)
    site = Site()
    assert site.search(plans.find("k") or ())[0].requirements == ("pytest", "PyYAML")
    assert len(site.built) == 1


@dataclass
class Adviser:
    """Says what it is scripted to say, then nothing more."""

    script: list[Advice]
    asked: list[str] = field(default_factory=list)

    def __call__(self, recipe: Recipe, output: str) -> tuple[Remedy, ...]:
        self.asked.append(output)
        return self.script.pop(0).remedies(recipe) if self.script else ()


WIZARD = BuildFailed("repository", "needs a wizard")


def test_advice_is_asked_for_where_nothing_known_helps_and_learning_goes_on_from_it() -> None:
    adviser = Adviser([Advice(system=("wizard",), test_command=("python", "-m", "pytest", "-x"))])
    site = Site([lacks("yaml")], {1: WIZARD})
    recipe, learned = site.search(advise=adviser)
    assert adviser.asked == ["needs a wizard"]
    assert (recipe.system, recipe.requirements) == (("wizard",), ("pytest", "PyYAML"))
    assert recipe.test_command == "python -m pytest -x"
    assert [item.symptom for item in learned] == [SYMPTOM, SYMPTOM, "No module named 'yaml'"]
    assert site.told[0] == f"learned from a failure ({SYMPTOM}): system wizard"


def test_nobody_is_asked_where_tests_ran() -> None:
    adviser = Adviser([])
    failing = done(b"t/test_a.py::test_x\nE   KeyError: 'x'\n1 test collected, 1 error in 0.1s\n", exit_code=2)
    Site([failing]).search(advise=adviser)
    Site([lacks("yaml")]).search(advise=adviser)
    assert adviser.asked == []


def test_advice_is_bounded_and_its_own_failure_is_told_in_the_end() -> None:
    adviser = Adviser([Advice(system=(f"wand{number}",)) for number in range(9)])
    site = Site(failures={number: BuildFailed("repository", f"needs wizard {number}") for number in range(1, 9)})
    with pytest.raises(BuildFailed, match=f"needs wizard {ADVICES + 1}"):
        site.search(advise=adviser)
    assert adviser.asked == [f"needs wizard {number + 1}" for number in range(ADVICES)]
    assert site.built[-1].system == ("wand0", "wand1")


def test_advice_that_does_harm_leaves_what_stood_before() -> None:
    adviser = Adviser([Advice(requirements=("worse",))])
    assert Site([NOTHING], {2: WIZARD}).search(advise=adviser) == (RECIPE, ())
    nowhere = Adviser([Advice(python="3.99"), Advice(system=("wand",))])
    site = Site(failures={1: WIZARD, 2: ImageUnavailable("no base image")})
    recipe = site.search(advise=nowhere)[0]
    assert (recipe.system, recipe.requires_python) == (("wand",), "")


def test_the_same_advice_again_is_none() -> None:
    adviser = Adviser([Advice(system=("wand",))] * 2)
    site = Site(failures={1: WIZARD, 2: WIZARD})
    with pytest.raises(BuildFailed):
        site.search(advise=adviser)
    assert len(site.built) == 2
