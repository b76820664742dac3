"""A small repository with a real bug, as a site for a team: a local sandbox, a scripted model server."""

import json
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from model_server import Act, Say
from quick_sandbox import QuickSandbox

from agents.desk import Finder
from agents.models import ROLES, Cast, Model, Price
from agents.staff import LiveStaff
from agents.team import TeamSolver
from sandbox.api import Image, Owner, Sandbox
from sandbox.docker import DockerSandbox
from sandbox.local import LocalSandbox
from sandbox.testrun import run_tests
from sandbox.workspace import Workspace, open_workspace
from tasks.event import Event
from tasks.limits import Allowance, Budget
from tasks.solvers import Site
from tasks.task import Attempt, Issue, Task
from tasks.verdict import Trial, Verdict, find_showing, judge
from tasks.verify import Check, run_patched, with_tests

FREE = Price(input=1, cached=1, output=1)  # type: ignore[arg-type]

SHOP = {
    "AGENTS.md": "Write plain code.\n",
    "shop/__init__.py": "",
    "shop/price.py": 'def total(prices):\n    """The sum of all prices."""\n    return sum(prices[1:])\n',
    "shop/label.py": 'def label(name):\n    """The name in upper case."""\n    return name.lower()\n',
    "tests/test_label.py": "from shop.label import label\n\n\ndef test_is_text():\n    assert label('') == ''\n",
}
ISSUE = Issue("total() forgets the first price", "total([1, 2, 3]) gives 5, and should give 6.")
TEST = {
    "path": "tests/test_price.py",
    "code": "from shop.price import total\n\n\ndef test_all_prices_count():\n    assert total([1, 2, 3]) == 6\n",
}
MEND = ("edit", {"path": "shop/price.py", "search": "    return sum(prices[1:])", "replace": "    return sum(prices)"})
DONE = ("done", {"summary": "the slice is gone"})
ACCEPT = {"verdict": "accept", "reasons": "the slice was the cause"}


class NoGuide:
    """Knows nothing of the code."""

    def ranked(self, text: str) -> Sequence[str]:
        return ["shop/price.py"]

    def context(self, text: str, tokens: int) -> str:
        return ""

    def homes(self, name: str) -> Sequence[str]:
        return {"total": ["shop/price.py"], "label": ["shop/label.py", "shop/old.py"]}.get(name, [])

    @property
    def find(self) -> Finder:
        return lambda query: "nothing found"


@dataclass
class World:
    """Everything a solver needs, and what it told."""

    folder: Path
    files: Mapping[str, str] = field(default_factory=lambda: SHOP)
    issue: Issue = ISSUE
    events: list[Event] = field(default_factory=list)
    offered: list[bytes] = field(default_factory=list)
    real: bool = False  # tests run in processes of their own, and not in memory
    docker: Image | None = None  # an image of the tree: tests run in containers of it
    owner: Owner = field(default_factory=Owner)

    def __post_init__(self) -> None:
        repository = self.folder / "repository"
        if not repository.exists():
            for path, text in self.files.items():
                (repository / path).parent.mkdir(parents=True, exist_ok=True)
                (repository / path).write_text(text)
            for command in (
                ["init", "-q"],
                ["add", "."],
                ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "x"],
            ):
                subprocess.run(["git", *command], cwd=repository, check=True)
        self.workspace = self._workspace(repository)
        image = self.folder / "image"
        if self.real and not image.exists():
            image.mkdir()
            (image / "tree").symlink_to(self.workspace.folder)
            (image / "venv").symlink_to(sys.prefix)

    def _workspace(self, repository: Path) -> Workspace:
        number = len(list(self.folder.glob("workspace*")))
        return open_workspace(str(repository), None, self.folder / f"workspace{number}", tell=lambda line: None)

    def open(self) -> Sandbox:
        if self.docker:
            return DockerSandbox(self.docker, owner=self.owner)
        if not self.real:
            return QuickSandbox(self.workspace.folder)
        return LocalSandbox(Image("local", str(self.folder / "image"), "", {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}))

    def site(self, allowance: Allowance = Allowance(tokens=10_000_000)) -> Site:  # noqa: B008 (frozen)
        with self.open() as sandbox:
            baseline = run_tests(sandbox, "python -m pytest -q", timeout=60)
        return Site(
            open=self.open,
            tree=self.workspace.folder,
            patch=self.workspace.patch_from_files,
            baseline=baseline,
            showing=(),
            test_command="python -m pytest -q",
            budget=Budget(allowance),
            tell=self.events.append,
            offer=self.offered.append,
            verdict=self.judged,
            folder=self.folder / "run",
        )

    def judged(self, attempt: Attempt) -> Verdict:
        """By the tests that the attempt brought, each run once."""
        check = with_tests(Check(self.open, "python -m pytest -q", (), "the whole suite", 60), attempt.tests)
        with check.open() as sandbox:
            before = run_tests(sandbox, check.command, timeout=60)
        showing = find_showing((before,), attempt.tests, self.issue)
        patched = run_patched(check, self.workspace.changes(attempt.patch), (before,), showing.ids, lambda event: None)
        return judge(Trial(attempt.patch, showing, "the whole suite", (before,), patched.runs, patched.restored))

    def task(self) -> Task:
        return Task("t", "r", self.workspace.base_commit, self.issue)

    def after(self, patch: bytes) -> dict[str, str | None]:
        """What a patch makes of the tree: content of each path that it changes."""
        changes = self.workspace.changes(patch)
        return {c.path: None if c.content is None else c.content.decode() for c in changes}


def solver(
    url: str, kept: Path, *, supports: Sequence[str] = ("tools", "schema"), prompts: str = "", **more: Any
) -> TeamSolver:
    model = Model(
        id="scripted",
        base_url=url,
        context=100_000,
        output=2_000,
        price=FREE,
        prompts=prompts,
        supports=frozenset(supports),  # type: ignore[arg-type]
    )
    return TeamSolver(
        Cast("scripted", dict.fromkeys(ROLES, model)),
        lambda cast, site: LiveStaff(cast, site, key=lambda model: "none", kept=kept),
        lambda task, site: NoGuide(),
        str,
        **more,
    )


def role_of(request: dict[str, Any]) -> str:
    """Which role asks, by its system prompt."""
    system = request["messages"][0]["content"]
    words = {
        "probe": "You are tested",
        "planner": "You plan",
        "tester": "You write the test",
        "reviewer": "You review",
        "chooser": "Several changes",
        "environment": "A repository's environment",
    }
    return next((role for role, start in words.items() if system.startswith(start)), "coder")


def by_role(**scripts: list[Act]) -> Callable[[dict[str, Any]], Act]:
    """Each role plays its own list; a role without one, or at its end, is a mistake of the test."""
    left = {role: iter(acts) for role, acts in scripts.items()}

    def play(request: dict[str, Any]) -> Act:
        act = next(left.get(role_of(request), iter(())), None)
        assert act is not None, f"no act left for the {role_of(request)}: {request['messages'][-1]}"
        return act

    return play


def typed(value: Mapping[str, Any]) -> Say:
    return Say(json.dumps(value))


def subtask(name: str, *needs: str) -> dict[str, Any]:
    return {
        "id": name,
        "goal": f"goal of {name}",
        "files": [],
        "symbols": [],
        "check": "",
        "depends_on": list(needs),
        "share": 50,
    }
