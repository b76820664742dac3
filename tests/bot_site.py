"""An event of the PR bot from its payload to the pull request, against the fake GitHub: what its tests start from."""

import json
import os
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from git_repositories import git, line, repository
from github_fake import BOT, FakeGitHub, InProcess
from quick_sandbox import QuickSandbox
from team_site import SHOP, solver

from agents.run.bot.app import pass_gate, triggered
from agents.run.bot.desk import Desk
from agents.run.bot.github import GitHub
from agents.run.bot.handover import REQUEST, Request, Result, read, write
from agents.run.bot.publish import publish
from agents.run.bot.push import Remote
from agents.run.bot.settings import Job, Settings
from agents.run.bot.trigger import Ignored
from agents.run.bot.work import work
from agents.run.options import Options
from agents.run.outcome import Outcome
from agents.run.prepare import Prepared
from agents.run.record import Record
from agents.run.solve import work as solve
from sandbox.workspace import open_workspace
from tasks.issue import read_issue
from tasks.limits import Allowance, Budget
from tasks.rundir import RunDir
from tasks.task import Task
from tasks.verdict import judge
from tasks.verify import Check

PAYLOADS = Path(__file__).parent / "agents" / "run" / "bot" / "data" / "payloads"
REPOSITORY = "Codertocat/Hello-World"
OWNER = "Codertocat"
KEY = "sk-proj-Zx81Qp0TmN4vR7wYb2Lc9Kd5Hs3Jf6Ga"  # the model's key, of nobody
COMMIT = "c" * 40
AT = datetime(2026, 1, 2, 12, tzinfo=UTC)
SERVER = "https://github.example"


def payload(name: str) -> dict[str, Any]:
    """One of GitHub's own example payloads."""
    found: dict[str, Any] = json.loads((PAYLOADS / f"{name}.json").read_text())
    return found


def event_of(name: str) -> str:
    return name.split(".")[0]


@dataclass
class Site:
    """A repository on the fake, and the jobs that an event starts there."""

    folder: Path
    fake: FakeGitHub
    settings: Settings = field(default_factory=lambda: Settings(label="bug"))
    commit: str = COMMIT
    server: str = SERVER
    said: list[str] = field(default_factory=list)
    rest: Any = None  # a real one, where requests are to travel
    number: int = 1  # of the issue
    tree: Path = Path()  # a checkout

    @property
    def forge(self) -> GitHub:
        return GitHub(self.rest or InProcess(self.fake), REPOSITORY, self.server)

    @property
    def handed(self) -> Path:
        return self.folder / "handed"

    def event(self, name: str, **values: Any) -> Job:
        """The job of one of GitHub's example payloads, told of this site's issue."""
        content = changed(name, **values)
        issue = self.fake.issues[self.number]
        content["issue"] |= {"number": self.number, "title": issue["title"], "body": issue["body"]}
        return self.job(name, content)

    def job(self, name: str, content: Mapping[str, Any], actors: tuple[str, ...] = ()) -> Job:
        path = self.folder / "event.json"
        path.write_text(json.dumps(content))
        who = actors or (content["sender"]["login"],)
        return Job(
            "github", REPOSITORY, event_of(name), path, who, self.commit, "", self.server, self.fake.token, "run-page"
        )

    def gate(self, job: Job) -> Request | None:
        """What is handed to the solver; None: nothing."""
        for file in self.handed.glob("*"):
            file.unlink()
        self.said.append(pass_gate(job, self.settings, self.forge, self.handed, AT))  # type: ignore[arg-type]
        return read(self.handed, REQUEST, Request)

    def hand(self, result: Result, patch: bytes = b"") -> None:
        """What the solver's job hands over."""
        write(self.handed, "result.json", result)
        (self.handed / "patch.diff").write_bytes(patch)

    def publish(self, job: Job, ended: str = "success") -> str:
        trigger = triggered(job, self.settings)
        if isinstance(trigger, Ignored):
            return trigger.reason
        remote = Remote(self.forge.address, "x-access-token", self.fake.token)
        desk = Desk(self.forge, self.settings, remote, self.commit, "https://github.example/run/1", AT)
        self.said.append(publish(trigger, self.handed, ended, desk))
        return self.said[-1]

    @property
    def outputs(self) -> str:
        """All that anybody can read of what was done."""
        return json.dumps([call.body for call in self.fake.writes]) + "\n".join(self.said)


def quiet_site(folder: Path, **more: Any) -> Site:
    """A site without a repository behind it: for what is decided, not for what is pushed."""
    folder.mkdir(parents=True, exist_ok=True)
    fake = FakeGitHub(REPOSITORY, people={OWNER: "admin", "writer": "write", "triager": "triage", "stranger": "read"})
    fake.issue(1, author=OWNER)
    return Site(folder, fake, **more)


def changed(name: str, **values: Any) -> dict[str, Any]:
    """A payload with some fields replaced: `comment__body="..."`."""
    content = deepcopy(payload(name))
    for path, value in values.items():
        *parents, last = path.split("__")
        place = content
        for part in parents:
            place = place[part]
        place[last] = value
    return content


def said_by(login: str, body: str = "/solve", kind: str = "User") -> dict[str, Any]:
    """A new comment on issue 1."""
    user = {**payload("issue_comment.created")["comment"]["user"], "login": login, "type": kind}
    return changed("issue_comment.created", comment__body=body, comment__user=user, sender=user)


def result_of(request: Request, **more: Any) -> Result:
    values = {
        "issue": request.issue, "command": request.command, "ended": "patched", "base": request.base,
        "key": request.key, "words": request.words, "verdict": "verified", "headline": "1 of 1 showing tests pass now",
        "threads": request.threads, "model": "scripted", "dollars": 0.5,
    }  # fmt: skip
    return Result(**{**values, **more})


def shop(folder: Path) -> tuple[Path, Path, str]:
    """The small shop: a checkout, its bare remote, the commit."""
    tree = repository(folder / "checkout", {name: text.encode() for name, text in SHOP.items()})
    bare = folder / "remote.git"
    git(folder, "clone", "--quiet", "--bare", str(tree), str(bare))
    for key, value in (("http.receivepack", "true"), ("uploadpack.allowAnySHA1InWant", "true")):
        git(bare, "config", key, value)
    return tree, bare, line(tree, "rev-parse", "HEAD")


def quick_solve(url: str) -> Callable[[Options], Outcome]:
    """`run_once` with a scripted model at `url`, in a sandbox within this process."""

    def run(options: Options) -> Outcome:
        assert options.out is not None
        with RunDir.open(options.out, options.question()) as folder:
            return in_folder(options, folder.begin())

    def in_folder(options: Options, folder: RunDir) -> Outcome:
        issue = read_issue(options.issue, stdin=None, environment={})
        workspace = open_workspace(options.repo, options.commit, folder.path / "workspace", tell=lambda _: None)
        check = Check(lambda: QuickSandbox(workspace.folder), "python -m pytest -q", (), "the whole suite", 60.0)
        prepared = Prepared(Task("t", options.repo, workspace.base_commit, issue), workspace, check)
        team = solver(url, folder.path / "servers")
        budget = Budget(Allowance(dollars=options.dollars))
        record = Record(folder, "solve/scripted")
        attempt, trial = solve(prepared, team, folder, budget, options.seconds, record.tell)
        record.write(attempt.cost)
        return Outcome(prepared.task, attempt, trial, judge(trial), folder.path, 1.0, 0.5, "scripted", "quick")

    return run


def solved(site: Site, request: Request, tree: Path, run: Callable[[Options], Outcome]) -> Result:
    environment = {"SOLVE_API_KEY": KEY, "PATH": os.environ["PATH"]}
    return work(request, tree, site.handed, site.settings, run, environment)


__all__ = ["AT", "BOT", "COMMIT", "KEY", "OWNER", "REPOSITORY", "Site", "changed", "payload", "said_by"]
