"""The bot's words: templates, in which everything that is not a number is neutralised unless it is marked as ours."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from agents.run.bot import neutral
from agents.run.bot.handover import Result
from agents.run.bot.ledger import Ledger, marked, spent_by
from sandbox.patch import Change

if TYPE_CHECKING:
    from jinja2 import Environment

FOLDER = Path(__file__).parent / "templates"
MOST = 60_000  # characters; GitHub takes 65,536
MOST_SHOWN = 5  # runs in the sticky comment
MOST_FILES = 40


class Own(str):
    """Text of ours: it goes to the page as it is."""

    __slots__ = ()


def pull_body(
    result: Result, changes: Sequence[Change], *, issue: int, base: str, mark: str, run: str, own_token: bool
) -> str:
    """The text of a pull request."""
    cost = "not known" if result.dollars is None else f"${result.dollars:.4f}"
    rows = [{"path": change.path, "what": _what(change)} for change in changes[:MOST_FILES]]
    if len(changes) > MOST_FILES:
        rows.append({"path": f"{len(changes) - MOST_FILES} more", "what": "files"})
    return render(
        "pull",
        result=result,
        changes=rows,
        issue=issue,
        base=Own(base),
        mark=Own(mark),
        run=Own(run),
        cost=Own(cost),
        own_token=own_token,
    )


def sticky_body(
    ledger: Ledger,
    headline: str,
    *,
    text: str = "",
    plan: Sequence[str] = (),
    advice: str = "",
    run: str = "",
    limit: float = 0.0,
) -> str:
    """The sticky comment with its memory. `headline` and `advice` are ours; `text` and `plan` are not."""
    words = render(
        "sticky",
        headline=Own(headline),
        text=text,
        plan=plan,
        advice=Own(advice),
        pull=ledger.pull,
        runs=[run.model_dump() for run in ledger.runs[-MOST_SHOWN:]],
        spent=spent_by(ledger),
        limit=limit,
        run=Own(run),
    )
    return marked(ledger, words)


def answer_body(commit: str, reason: str) -> str:
    return render("answer", commit=Own(commit), reason=reason)


def title(issue: int, words: str) -> str:
    """A pull request's title, which a squash makes the commit's."""
    return f"solve: {neutral.one_line(words, 120)} (#{issue})"


def render(name: str, **values: object) -> str:
    text = _environment().get_template(f"{name}.md.j2").render(**values).strip() + "\n"
    if len(text) <= MOST:
        return text
    # Its last line is what closes the issue, and stays.
    last = text.rstrip().rpartition("\n")[2]
    return f"{text[: MOST - 200]}\n\n… cut here: the run's log has the rest.\n\n{last}\n"


def _what(change: Change) -> Own:
    if change.content is None:
        return Own("removed")
    lines = change.content.count(b"\n")
    return Own(f"({lines} lines)")


def _finalize(value: object) -> object:
    return value if isinstance(value, Own | int | float) else neutral.neutral(str(value))


@cache
def _environment() -> "Environment":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalize,
        autoescape=False,  # noqa: S701 (Markdown: escaping for HTML would not help, `neutral` does)
    )
    environment.filters["quoted"] = lambda text: Own(neutral.quoted(str(text)))
    environment.filters["code"] = lambda text: Own(neutral.code(str(text)))
    environment.filters["format"] = lambda pattern, value: Own(str(pattern) % value)
    return environment
