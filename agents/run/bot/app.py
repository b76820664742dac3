"""`solve bot`: what the jobs of CI call. Every step is handed its own environment, and no step has more than it needs.

| step | reads | has | writes |
|---|---|---|---|
| `gate` | the event, the forge | a token that reads | `request.json`, or a refusal in `result.json` |
| `solve` | `request.json`, a checkout | the model's key | `patch.diff`, `result.json` |
| `publish` | the event, the forge, the two files | a token that writes | a branch, a pull request, a comment |
| `outcomes` | the forge | a token that reads | `outcomes.jsonl` |
"""

import os
import secrets
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from agents.run.bot.forge import Forge
    from agents.run.bot.settings import Job, Settings
    from agents.run.bot.trigger import Ignored, Trigger

app = typer.Typer(help="The pull request bot's steps, for jobs of CI (docs/bot.md).", no_args_is_help=True)

Out = Annotated[Path, typer.Option("--out", help="The folder that is handed from step to step.")]


@app.command()
def gate(out: Out) -> None:
    """Decide whether to start, and freeze what is read. Needs a token that reads."""
    from agents.run.bot.settings import job, settings

    with muted(os.environ):
        chosen, here = settings(os.environ), job(os.environ)
        with opened(here) as forge:
            said = pass_gate(here, chosen, forge, out, datetime.now(UTC))
        print(said, file=sys.stderr)
        tell_ci(out, os.environ)


@app.command()
def solve(
    out: Out, repo: Annotated[Path, typer.Option("--repo", help="The checkout of the commit that the gate named.")]
) -> None:
    """Work on the request. Needs the model's key, and must have no token of the forge."""
    from agents.run.bot import handover
    from agents.run.bot.settings import settings
    from agents.run.bot.work import work
    from sandbox.api import BadInput

    with muted(os.environ):
        held = [
            name for name in ("GITHUB_TOKEN", "GH_TOKEN", "GITLAB_TOKEN", "SOLVE_BOT_TOKEN") if os.environ.get(name)
        ]
        if held:
            raise BadInput(f"{held[0]} is set: this step reads strangers' text, and must hold no token of the forge")
        request = handover.read(out, handover.REQUEST, handover.Request)
        if request is None:
            raise BadInput(f"there is no {handover.REQUEST} in {out}: `solve bot gate` makes it")
        result = work(request, repo, out, settings(os.environ))
        print(f"solve: {result.ended} {result.verdict}", file=sys.stderr)


@app.command()
def publish(
    artifacts: Annotated[Path, typer.Option("--from", help="The folder that the other job handed over.")],
    job_ended: Annotated[str, typer.Option(help="How the other job ended, as the CI says.")] = "success",
) -> None:
    """Deliver the patch and tell people. Needs a token that writes; has no model, runs no code of the repository."""
    from agents.run.bot.desk import Desk
    from agents.run.bot.publish import publish as deliver
    from agents.run.bot.push import Remote
    from agents.run.bot.settings import job, settings
    from agents.run.bot.trigger import Ignored

    with muted(os.environ):
        chosen, here = settings(os.environ), job(os.environ)
        trigger = triggered(here, chosen)
        if isinstance(trigger, Ignored):
            print(f"solve: ignored: {trigger.reason}", file=sys.stderr)
            return
        with opened(here) as forge:
            user = "x-access-token" if here.forge == "github" else "oauth2"
            remote = Remote(forge.address, user, here.token)
            own_token = chosen.login == "github-actions[bot]"
            desk = Desk(forge, chosen, remote, here.commit, here.run, datetime.now(UTC), own_token)
            print(f"solve: {deliver(trigger, artifacts, job_ended, desk)}", file=sys.stderr)


@app.command()
def outcomes(
    file: Annotated[Path, typer.Option("--out", help="The file that is made anew.")] = Path("outcomes.jsonl"),
) -> None:
    """Say what became of the bot's pull requests. Needs a token that reads."""
    from agents.run.bot.outcomes import outcomes as find
    from agents.run.bot.outcomes import write
    from agents.run.bot.settings import job, settings

    chosen, here = settings(os.environ), job(os.environ)
    with opened(here) as forge:
        number = write(find(forge, here.repository, chosen.login, forge.default_branch()), file)
    print(f"solve: {number} pull requests in {file}", file=sys.stderr)


def pass_gate(here: "Job", chosen: "Settings", forge: "Forge", out: Path, now: datetime) -> str:
    """Leave a request for the next step, or a refusal for the job that tells people; one line on which."""
    from agents.run.bot import handover
    from agents.run.bot.forge import ForgeRefused, NotThere
    from agents.run.bot.gate import Refused, admit, authorise
    from agents.run.bot.trigger import Ignored
    from sandbox.api import BadInput, NetworkUnavailable

    trigger = triggered(here, chosen)
    if isinstance(trigger, Ignored):
        return f"ignored: {trigger.reason}"
    target = authorise(trigger, forge, chosen, here.commit)
    if isinstance(target, Refused):
        return f"refused: {target.reason}"  # publish finds this out for itself
    if trigger.command in ("stop", "explain"):
        return f"{trigger.command}: nothing to work on"
    try:
        asked = admit(target, forge, chosen, now)
    except (ForgeRefused, NotThere, NetworkUnavailable, BadInput) as error:
        asked = Refused(f"it could not be found out what to do: {error}")
    if isinstance(asked, Refused):
        refusal = handover.Result(
            issue=target.issue, command=trigger.command, ended="refused", reason=asked.reason, told=asked.told
        )
        handover.write(out, handover.RESULT, refusal)
        return f"refused: {asked.reason}"
    handover.write(out, handover.REQUEST, asked)
    return f"go: {asked.command} issue {asked.issue} from {asked.base[:12]}"


def triggered(here: "Job", chosen: "Settings") -> "Trigger | Ignored":
    from agents.run.bot.github_event import github_trigger
    from agents.run.bot.gitlab_event import gitlab_trigger

    return gitlab_trigger(here, chosen) if here.forge == "gitlab" else github_trigger(here, chosen)


@contextmanager
def opened(here: "Job") -> "Iterator[Forge]":
    """The forge of this job."""
    if here.forge == "gitlab":
        from agents.run.bot.gitlab import GitLab
        from agents.run.bot.gitlab_rest import connect

        with connect(here.api, here.token) as rest:
            yield GitLab(rest, here.repository, here.server)
        return
    from agents.run.bot.github import GitHub
    from agents.run.bot.rest import Rest

    with Rest(here.api, here.token) as rest:
        yield GitHub(rest, here.repository, here.server)


def tell_ci(out: Path, environment: Mapping[str, str]) -> None:
    """Outputs for the steps that follow: whether there is work, and from which commit. Nothing in them is text."""
    from agents.run.bot import handover

    request = handover.read(out, handover.REQUEST, handover.Request)
    lines = f"go=true\nbase={request.base}\n" if request else "go=false\n"
    path = environment.get("GITHUB_OUTPUT")
    if path:
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(lines)


@contextmanager
def muted(environment: Mapping[str, str]) -> Iterator[None]:
    """Within it the runner obeys nothing that is printed: a test's output may hold workflow commands."""
    if environment.get("GITHUB_ACTIONS") != "true":
        yield
        return
    word = secrets.token_hex(16)
    print(f"::stop-commands::{word}", flush=True)
    try:
        yield
    finally:
        sys.stderr.flush()
        print(f"::{word}::", flush=True)
