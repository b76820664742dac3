"""The bot's words: templates, in which everything that is not a number is neutralised unless it is marked as ours."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
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
MARK = re.compile(r"\A<!-- solve:\{[^<>]*\} -->\n")


class Own(str):
    """Text of ours: it goes to the page as it is."""

    __slots__ = ()


@dataclass(frozen=True)
class Told:
    """What a pull request's text is made of."""

    result: Result
    changes: Sequence[Change]
    issue: int
    base: str  # commit
    mark: str  # for `solve bot outcomes`
    run: str  # address of the run's page
    own_token: bool

    def values(self) -> dict[str, object]:
        cost = "not known" if self.result.dollars is None else f"${self.result.dollars:.4f}"
        rows = [{"path": change.path, "what": _what(change)} for change in self.changes[:MOST_FILES]]
        if len(self.changes) > MOST_FILES:
            rows.append({"path": f"{len(self.changes) - MOST_FILES} more", "what": Own("files")})
        return {
            "result": self.result,
            "changes": rows,
            "issue": self.issue,
            "base": self.base,
            "mark": Own(self.mark),
            "run": Own(self.run),
            "cost": Own(cost),
            "own_token": self.own_token,
        }


def pull_body(told: Told) -> str:
    """The text of a new pull request, or of one that is begun anew."""
    return closing(render("pull", **told.values()), told.issue)


def round_body(before: str, told: Told) -> str:
    """The text of a pull request after a further round: what stood there, also what people wrote, and the round."""
    kept = MARK.sub("", before).rstrip().removesuffix(f"Closes #{told.issue}").rstrip()
    text = render("round", **told.values())
    room = MOST - len(text) - len(told.mark) - 200
    if len(kept) > room:
        kept = f"{kept[:room]}\n\n… cut here"
    return closing(f"{told.mark}\n{kept}\n\n{text}\nCloses #{told.issue}\n", told.issue)


def closing(text: str, issue: int) -> str:
    """At most `MOST` characters; the last line is what closes the issue, and stays."""
    if len(text) <= MOST:
        return text
    return f"{text[: MOST - 200]}\n\n… cut here: the run's log has the rest.\n\nCloses #{issue}\n"


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
    """The sticky comment with its memory, at most `MOST` characters: what is too much of the words is cut.

    `headline` and `advice` are ours; `text` and `plan` are not.
    """
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
    room = MOST - len(marked(ledger, ""))
    if len(words) > room:
        words = f"{words[: room - 200]}\n\n… cut here: the run's log has the rest.\n"
    return marked(ledger, words)


def answer_body(commit: str, reason: str) -> str:
    return render("answer", commit=Own(commit), reason=reason)


def title(issue: int, words: str) -> str:
    """A pull request's title, which a squash makes the commit's."""
    return f"solve: {neutral.one_line(words, 120)} (#{issue})"


def render(name: str, **values: object) -> str:
    return _environment().get_template(f"{name}.md.j2").render(**values).strip() + "\n"


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
    environment.filters["own"] = Own
    environment.filters["format"] = lambda pattern, value: Own(str(pattern) % value)
    return environment
