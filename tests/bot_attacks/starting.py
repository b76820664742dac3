"""Attacks on the start: who may, on what."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from bot_attacks.row import Row, Seen
from bot_site import AT, BOT, OWNER, REPOSITORY, Site, changed, payload, quiet_site, said_by
from github_fake import Answer

from agents.run.bot.ledger import Ledger, Run, marked, moment
from agents.run.bot.settings import Settings
from sandbox.api import BadInput

EARLY, LATE = "2019-05-14T00:00:00Z", "2026-01-01T00:00:00Z"


def start(
    folder: Path,
    name: str = "issue_comment.created",
    content: Mapping[str, Any] | None = None,
    *,
    actors: tuple[str, ...] = (),
    settings: Settings | None = None,
    arrange: Callable[[Site], None] = lambda site: None,
) -> Seen:
    """Whether an event gets anything to the solver; then the publishing job, with nothing handed over."""
    site = quiet_site(folder)
    site.settings = settings or site.settings
    arrange(site)
    before = len(site.fake.writes)
    job = site.job(name, content or said_by(OWNER), actors)
    try:
        request = site.gate(job)
    except BadInput as error:
        return Seen(False, str(error))
    assert len(site.fake.writes) == before, "the gate writes nothing"
    if request is not None:
        return Seen(True, "started", request.model_dump_json(), site.outputs)
    reason = site.said[-1]
    site.publish(job)
    return Seen(False, reason, "", site.outputs, len(site.fake.writes) - before)


def started(folder: Path) -> Seen:
    return start(folder)


def labelled(folder: Path, **more: Any) -> Seen:
    return start(folder, "issues.labeled", payload("issues.labeled"), **more)


def by_hand_on(*, issue: str, ref: str = "refs/heads/master") -> dict[str, Any]:
    return changed("workflow_dispatch", inputs={"issue": issue}, ref=ref, repository__full_name=REPOSITORY)


def by_hand(folder: Path) -> Seen:
    return start(folder, "workflow_dispatch", by_hand_on(issue="1"))


def starting(name: str, tried: str, /, *, writes: int = 0, honest: Any = started, **more: Any) -> Row:
    return Row(name, tried, lambda folder: start(folder, **more), honest, writes)


def broken(site: Site) -> None:
    site.fake.scripted = [Answer(500, {"message": "down"})] * 20


def spent(dollars: float, author: str = BOT, on: int = 1) -> Callable[[Site], None]:
    def arrange(site: Site) -> None:
        run = Run(at=moment(AT), command="solve", ended="patched", dollars=dollars)
        site.fake.comment(on, marked(Ledger(issue=on, runs=(run,)), "words"), author, moment(AT))

    return arrange


def silenced(folder: Path, *, author: str, kind: str) -> Seen:
    """`done`: a mark that is not the bot's own keeps the bot from work."""

    def arrange(site: Site) -> None:
        site.fake.apps |= {author} if kind == "Bot" else set()
        spent(1000.0, author)(site)

    seen = start(folder, arrange=arrange)
    return Seen(not seen.done, "it was not believed, and the run was started", seen.read, seen.shown)


def silenced_rightly(folder: Path) -> Seen:
    return Seen(not start(folder, arrange=spent(1000.0)).done)


def app_known(site: Site) -> None:
    site.fake.apps.add("evil[bot]")


def app_that_writes(site: Site) -> None:
    site.fake.apps.add("evil[bot]")
    site.fake.people["evil[bot]"] = "write"


def person_named_bot(site: Site) -> None:
    """An account whose name ends as an app's does, and that is a person without rights."""
    site.fake.people["evil[bot]"] = "read"


STARTING = [
    starting(
        "[bot] suffix (RyotaK 2026)",
        "anyone's GitHub App comments /solve; its name ends in [bot]",
        content=said_by("evil[bot]", kind="Bot"),
        arrange=app_known,
    ),
    starting(
        "[bot] suffix, a person",
        "an account that only looks like an app",
        content=said_by("evil[bot]"),
        arrange=person_named_bot,
        settings=Settings(apps=frozenset({"other[bot]"})),
        writes=1,
    ),
    starting(
        "app listed by another name",
        "an app is allowed, another one comes",
        content=said_by("evil[bot]", kind="Bot"),
        arrange=app_known,
        settings=Settings(apps=frozenset({"ci[bot]"})),
    ),
    starting(
        "an app that may write",
        "an app with the permission write, that nobody named",
        content=said_by("evil[bot]", kind="Bot"),
        arrange=app_that_writes,
    ),
    starting("the bot's own comment", "a loop: the bot's comment begins with /solve", content=said_by(BOT, kind="Bot")),
    starting("read role", "a stranger comments /solve", content=said_by("stranger"), writes=1),
    starting(
        "a stranger, again and again",
        "the bot is to write as often as a stranger does",
        content=said_by("stranger"),
        arrange=lambda site: site.fake.comment(1, marked(Ledger(issue=1), "Not started"), BOT, EARLY) and None,
    ),
    starting("triage role", "may label, may not write", content=said_by("triager"), writes=1),
    Row(
        "triage role, label",
        "someone with triage puts the label on",
        lambda folder: labelled(folder, actors=("triager",)),
        labelled,
        1,
    ),
    starting("unknown account", "an account that the API does not know", content=said_by("nobody")),
    starting(
        "author_association",
        "the payload calls a stranger OWNER",
        content={**said_by("stranger"), "author_association": "OWNER"},
        writes=1,
    ),
    starting(
        "re-run by another", "a stranger presses re-run on a maintainer's event", actors=(OWNER, "stranger"), writes=1
    ),
    starting("API down", "the permission cannot be asked", arrange=broken),
    starting(
        "edited comment (#904, #512)",
        "an old comment is edited into a command",
        name="issue_comment.edited",
        content=changed("issue_comment.edited", comment__body="/solve"),
    ),
    starting(
        "edited before it was read",
        "`created` arrives with a later edit",
        content=changed("issue_comment.created", comment__body="/solve", comment__updated_at=LATE),
    ),
    starting("quoted command", "> /solve in somebody's answer", content=said_by(OWNER, "> /solve\n\nno")),
    starting("command in a text", "the word is in the middle", content=said_by(OWNER, "do not say /solve")),
    starting("command with more letters", "/solver, /solve-all", content=said_by(OWNER, "/solve-all now")),
    starting(
        "another label (text that looks like ours)",
        "a label called `Bug`, or `bug; solve`",
        name="issues.labeled",
        content=changed("issues.labeled", label__name="bug; solve"),
        honest=labelled,
    ),
    starting(
        "another repository's payload",
        "an event file of another repository",
        content=changed("issue_comment.created", comment__body="/solve", repository__full_name="evil/x"),
    ),
    starting(
        "pull_request_target (pwn request)", "an event that runs a head's workflow", name="pull_request_target.opened"
    ),
    starting("over the issue's budget", "many /retry on one issue", arrange=spent(5.0), writes=1),
    starting("over the day's budget", "many issues on one day", arrange=spent(19.0, on=7), writes=1),
    starting(
        "a locked issue",
        "work on what was closed to comments",
        arrange=lambda s: s.fake.issues[1].update(locked=True),
        writes=1,
    ),
    starting(
        "--receive-pack (H1 #3556799)",
        "options for git in the number of an issue",
        name="workflow_dispatch",
        content=by_hand_on(issue="1 --receive-pack=sh"),
        honest=by_hand,
    ),
    starting(
        "by hand, on another branch",
        "the workflow and the base of a branch that nobody reviewed",
        name="workflow_dispatch",
        content=by_hand_on(issue="1", ref="refs/heads/evil"),
        honest=by_hand,
    ),
]
FORGED = [
    Row(
        f"the bot's memory, forged by {who}",
        "a comment with the mark says that all is spent",
        lambda folder, author=author, kind=kind: silenced(folder, author=author, kind=kind),  # type: ignore[misc]
        silenced_rightly,
    )
    for who, author, kind in (
        ("a person", "writer", "User"),
        ("another app", "evil[bot]", "Bot"),
        ("a namesake", "github-actions", "User"),
    )
]
