"""What the job that writes was handed, and its one comment on an issue."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from agents.run.bot import page
from agents.run.bot.forge import Forge
from agents.run.bot.ledger import Ledger, Sticky, marked, stickies
from agents.run.bot.push import Remote
from agents.run.bot.settings import Settings


@dataclass(frozen=True)
class Desk:
    forge: Forge
    settings: Settings
    remote: Remote
    commit: str  # head of the default branch when the event came
    run: str  # address of the run's page
    now: datetime
    own_token: bool = True  # of the CI itself, and not of an app: what it pushes starts no workflow

    def known(self, issue: int) -> list[Sticky]:
        return stickies(self.forge.comments(issue), self.settings.login)


@dataclass(frozen=True)
class Notice:
    """What the sticky comment says. `headline` and `advice` are ours; `text` and `plan` are hostile."""

    headline: str
    text: str = ""
    advice: str = ""
    plan: Sequence[str] = ()


def tell(desk: Desk, known: Sequence[Sticky], ledger: Ledger, notice: Notice) -> None:
    """Write the one comment, anew or in place; nothing is written where it says so already."""
    body = page.sticky_body(
        ledger,
        notice.headline,
        text=notice.text,
        plan=notice.plan,
        advice=notice.advice,
        run=desk.run,
        limit=desk.settings.issue_dollars,
    )
    mine = next((each for each in known if each.ledger.issue == ledger.issue), None)
    if mine is None:
        desk.forge.say(ledger.issue, body)
    elif marked(mine.ledger, mine.body) != body:
        desk.forge.edit(ledger.issue, mine.comment, body)
