"""The models of one run: live at their servers with a journal, or played back from one."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from agents.conversation import Brain
from agents.journal import Journal
from agents.llm import Models, Servers
from agents.models import Cast, Feature, Model, Role
from agents.probe import features
from agents.record import Answer, Json, Recorded, read
from agents.replay import Cassette
from agents.reply import Reply, usage_of
from sandbox.api import BadInput
from tasks.adaptive import Lanes
from tasks.event import Event, Stage, Tell
from tasks.solvers import Site
from tasks.task import Cost

JOURNAL = "journal.jsonl"
STAGES: Mapping[str, Stage] = {"planner": "plan", "coder": "code", "tester": "test", "reviewer": "review"}


@dataclass
class Meter:
    """Tells each reply to who watches, with what was used so far."""

    tell: Tell
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _calls: int = 0
    _tokens: int = 0

    def told(self, seat: str, reply: Reply) -> None:
        with self._lock:
            self._calls += 1
            self._tokens += reply.tokens_in + reply.tokens_out
            calls, tokens = self._calls, self._tokens
        names = ", ".join(use.name for use in reply.calls) or " ".join(reply.text.split())[:80]
        role: Stage = next((stage for name, stage in STAGES.items() if name in seat), "plan")
        used = {"tokens_in": reply.tokens_in, "tokens_cached": reply.tokens_cached, "tokens_out": reply.tokens_out}
        data = {"seat": seat, "does": names, "ran": reply.ran, "dollars": str(reply.answer.used.dollars), **used}
        self.tell(Event(role, f"{seat}: {names} ({calls} calls, {tokens} tokens so far)", data=data))


class LiveStaff:
    """Raises BadInput: the journal in the site's folder is of another run."""

    def __init__(
        self,
        cast: Cast,
        site: Site,
        *,
        key: Callable[[Model], str],
        kept: Path,
        loopback_only: bool = False,
        lanes: Lanes | None = None,
    ) -> None:
        self._cast = cast
        self._kept = kept  # the folder with what servers can do
        self._site = site
        site.folder.mkdir(parents=True, exist_ok=True)
        self._journal = Journal(site.folder / JOURNAL, settings(cast))
        if players(cast_of(self._journal.settings)) != players(cast):
            self._journal.close()
            raise BadInput(f"{site.folder} is of a run with other models: give another folder with --out")
        self._servers = Servers(
            self._journal,
            site.budget,
            key,
            loopback_only=loopback_only,
            told=Meter(site.tell).told,
            lanes=lanes or Lanes(),
        )

    @property
    def models(self) -> Models:
        return self._servers

    @property
    def memory(self) -> Journal:
        return self._journal

    def brains(self) -> Mapping[Role, Brain]:
        found: dict[Model, frozenset[Feature]] = {}
        for model in self._cast.models():
            asked = lambda model=model: {"features": sorted(features(self._servers, model, self._kept))}  # noqa: E731
            row = self._journal.remember(f"features/{model.id}", 0, model.base_url, asked)
            found[model] = frozenset(row["features"])
        return {role: Brain(self._servers, model, found[model]) for role, model in self._cast.roles.items()}

    def cost(self) -> Cost:
        priced = all(model.price is not None for model in self._cast.models())
        return cost(read(self._journal.path), priced=priced, seconds=self._site.budget.elapsed)

    def close(self) -> None:
        self._servers.close()
        self._journal.close()


class ReplayStaff:
    """`--model replay:FILE`: the team of that run, and its answers."""

    def __init__(self, path: Path, site: Site) -> None:
        """Raises BadInput: the file cannot be read, or is no journal of a team."""
        self._cassette = Cassette(path, Meter(site.tell).told)
        self._site = site

    @property
    def models(self) -> Models:
        return self._cassette

    @property
    def memory(self) -> Cassette:
        return self._cassette

    def brains(self) -> Mapping[Role, Brain]:
        cast = cast_of(self._cassette.settings)
        rows = {
            model: self._cassette.remember(f"features/{model.id}", 0, model.base_url, lambda: {"features": []})
            for model in cast.models()
        }
        return {
            role: Brain(self._cassette, model, frozenset(rows[model]["features"])) for role, model in cast.roles.items()
        }

    def cost(self) -> Cost:
        return Cost(seconds=self._site.budget.elapsed)

    def close(self) -> None:
        pass


def settings(cast: Cast) -> Json:
    """What a journal starts with: enough to play it back without models.toml."""
    return {"name": cast.name, "roles": {role: model.model_dump(mode="json") for role, model in cast.roles.items()}}


def players(cast: Cast) -> Json:
    """Which model at which server plays which role: another price or another limit is no other model."""
    return {role: (model.id, model.base_url) for role, model in cast.roles.items()}


def cast_of(row: Json) -> Cast:
    roles = {role: Model.model_validate(model) for role, model in row.get("roles", {}).items()}
    return Cast(str(row.get("name", "replay")), roles)


def cost(recorded: Recorded, *, priced: bool, seconds: float) -> Cost:
    """What a journal adds up to. Calls that brought nothing count too; lost ones at their worst case."""
    used = recorded.spent + recorded.lost
    answers = [answer for waiting in recorded.answers.values() for answer in waiting if isinstance(answer, Answer)]
    usages = [usage for answer in answers if (usage := usage_of(answer.reply)) is not None]
    return Cost(
        used.calls,
        sum(usage.prompt_tokens for usage in usages),
        sum(usage.cached for usage in usages),
        sum(usage.completion_tokens for usage in usages),
        float(used.dollars) if priced else None,
        seconds,
    )
