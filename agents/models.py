"""`models.toml` → models, teams, and the server each of them is at."""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_serializer, model_validator

from sandbox.api import BadInput
from tasks.limits import ZERO, Allowance, Amount

SHIPPED = Path(__file__).parent.parent / "models.toml"
OPENAI = "api.openai.com"
OPENAI_KEY = "OPENAI_API_KEY"
OWN_KEY = "SOLVE_API_KEY"  # for a server that is named on the command line
BUILT_IN = ("repair", "empty", "gold")
MILLION = Decimal(1_000_000)

Role = Literal["planner", "coder", "tester", "reviewer"]
ROLES: tuple[Role, ...] = ("planner", "coder", "tester", "reviewer")
Feature = Literal["tools", "schema", "json_object", "parallel", "effort", "stream"]


def _exact(value: object) -> object:
    """TOML's 0.25 is a float: by its shortest text it becomes the number that was written."""
    return str(value) if isinstance(value, float) else value


Dollars = Annotated[Decimal, BeforeValidator(_exact), Field(ge=0)]


class Price(BaseModel):
    """Dollars per million tokens. A server of one's own says 0 for each: no price is not the same as none known."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    input: Dollars
    cached: Dollars
    output: Dollars

    def of(self, tokens_in: int, cached: int, tokens_out: int) -> Decimal:
        """`cached` is the part of `tokens_in` that the server had in its cache."""
        fresh = tokens_in - cached
        return (fresh * self.input + cached * self.cached + tokens_out * self.output) / MILLION

    def worst(self, tokens_in: int, tokens_out: int) -> Decimal:
        return (tokens_in * max(self.input, self.cached) + tokens_out * self.output) / MILLION


class Model(BaseModel):
    """One model at one server."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    id: str = Field(min_length=1)  # as the server names it; a dated snapshot where there is one
    base_url: str
    key_env: str = ""  # the variable that holds the key; empty: the server wants none
    context: int = Field(gt=0)  # tokens, prompt and reply together
    output: int = Field(gt=0)  # the most tokens that one reply may have
    output_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    price: Price | None = None
    supports: frozenset[Feature] | None = None  # None: asked of the server once
    effort: str = ""  # reasoning effort, where the model knows it
    temperature: float | None = Field(default=None, ge=0)  # None: the server's own
    prompts: str = ""  # prompt variant: `coder.small.md.j2` in place of `coder.md.j2`

    @model_validator(mode="after")
    def _sane(self) -> "Model":
        parts = urlsplit(self.base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"base_url {self.base_url!r} is no http(s) address")
        if self.key_env == OPENAI_KEY and not is_openai(self.base_url):
            raise ValueError(f"{OPENAI_KEY} is only ever sent to {OPENAI}: name another variable in key_env")
        if self.output >= self.context:
            raise ValueError("output must be less than context")
        if self.effort and self.supports is not None and "effort" not in self.supports:
            raise ValueError('effort is set, but supports has no "effort"')
        return self

    @field_serializer("supports")
    def _in_order(self, value: frozenset[Feature] | None) -> list[Feature] | None:
        """A set has another order in every process."""
        return None if value is None else sorted(value)

    def cost(self, tokens_in: int, cached: int, tokens_out: int) -> Amount:
        """What one call used; no dollars where the price is unknown (`check_priced` has let that pass)."""
        dollars = self.price.of(tokens_in, cached, tokens_out) if self.price else ZERO
        return Amount(1, tokens_in + tokens_out, dollars)

    def worst(self, tokens_in: int, tokens_out: int) -> Amount:
        return Amount(1, tokens_in + tokens_out, self.price.worst(tokens_in, tokens_out) if self.price else ZERO)


class Team(BaseModel):
    """Which model plays which role; or a cascade: stages tried in turn until the harness says verified."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    planner: str = ""
    coder: str = ""
    tester: str = ""
    reviewer: str = ""
    cascade: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _one_kind(self) -> "Team":
        if bool(self.cascade) == bool(self.coder):
            raise ValueError("a team names either a coder (and other roles) or a cascade")
        return self


class ModelsFile(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    model: Mapping[str, Model] = {}
    team: Mapping[str, Team] = {}


@dataclass(frozen=True, slots=True)
class Cast:
    """Who plays: a model for each role. A role without one of its own is played by the coder's."""

    name: str
    roles: Mapping[Role, Model]

    def models(self) -> tuple[Model, ...]:
        return tuple(dict.fromkeys(self.roles.values()))


@dataclass(frozen=True, slots=True)
class Stages:
    """What `--model` came to: stages of a cascade, most often one. A built-in solver stands by its name."""

    name: str
    stages: tuple[Cast | str, ...]

    def casts(self) -> tuple[Cast, ...]:
        return tuple(stage for stage in self.stages if isinstance(stage, Cast))


def load(environment: Mapping[str, str], shipped: Path = SHIPPED) -> ModelsFile:
    """The shipped file, and over it the person's own: `$SOLVE_MODELS`, else `solve/models.toml` of their settings.

    Never one from the working directory: a repository that is to be solved could send keys elsewhere.

    Raises:
        BadInput: a file is missing, no TOML, or has what we do not know.
    """
    import platformdirs

    found = read(shipped)
    own = environment.get("SOLVE_MODELS", "")
    path = Path(own) if own else platformdirs.user_config_path("solve") / "models.toml"
    if own or path.is_file():
        mine = read(path)
        found = ModelsFile(model={**found.model, **mine.model}, team={**found.team, **mine.team})
    return found


def read(path: Path) -> ModelsFile:
    """Raises as `load`."""
    try:
        return ModelsFile.model_validate(tomllib.loads(path.read_text("utf-8")))
    except OSError as error:
        raise BadInput(f"cannot read {path} ({error.strerror}): see SOLVE_MODELS and docs/models.md") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"{path} is not TOML: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BadInput(f"{path}: {where}: {first['msg'].removeprefix('Value error, ')} (see docs/models.md)") from error


def find(name: str, file: ModelsFile) -> Stages:
    """What `--model NAME` means.

    Raises:
        BadInput: no such name.
    """
    team = file.team.get(name)
    if team is None:
        return Stages(name, (name if name in BUILT_IN else _solo(name, file),))
    if team.cascade:
        return Stages(name, tuple(stage for part in team.cascade for stage in _stage(part, file)))
    return Stages(name, (_cast(name, team, file),))


def at_url(name: str, base_url: str, *, context: int = 32_768, output: int = 4_096) -> Stages:
    """A model at a server given on the command line: its price is not known, what it can do is asked of it once."""
    try:
        model = Model(id=name, base_url=base_url, key_env=OWN_KEY, context=context, output=output)
    except ValidationError as error:
        raise BadInput(error.errors()[0]["msg"].removeprefix("Value error, ")) from error
    return Stages(name, (Cast(name, dict.fromkeys(ROLES, model)),))


def key(model: Model, environment: Mapping[str, str] | None = None) -> str:
    """The key for a model's server, or a placeholder where it wants none.

    Raises:
        BadInput: its variable is not set.
    """
    environment = os.environ if environment is None else environment
    value = environment.get(model.key_env, "") if model.key_env else ""
    if not value and model.key_env and model.key_env != OWN_KEY:
        raise BadInput(f"{model.id} needs a key: set {model.key_env}")
    return value or "none"


def check_priced(models: tuple[Model, ...], allowance: Allowance, allow_unpriced: bool) -> None:
    """Raises:
    BadInput: a model without a known price, and nothing else that limits it.
    """
    unpriced = [model.id for model in models if model.price is None]
    if not unpriced or allow_unpriced:
        return
    if allowance.tokens is None or allowance.dollars is not None:
        raise BadInput(
            f"the price of {unpriced[0]} is not known, so dollars cannot be counted: "
            "give it one in models.toml, or a budget of tokens, or --allow-unpriced"
        )


def is_openai(base_url: str) -> bool:
    parts = urlsplit(base_url)
    return parts.scheme == "https" and parts.hostname == OPENAI


def _stage(name: str, file: ModelsFile) -> tuple[Cast | str, ...]:
    if name in file.team and file.team[name].cascade:
        raise BadInput(f"models.toml: a cascade cannot hold the cascade {name}")
    return find(name, file).stages


def _solo(name: str, file: ModelsFile) -> Cast:
    return Cast(name, dict.fromkeys(ROLES, _model(name, file)))


def _cast(name: str, team: Team, file: ModelsFile) -> Cast:
    chosen: dict[Role, Model] = {role: _model(getattr(team, role) or team.coder, file) for role in ROLES}
    return Cast(name, chosen)


def _model(name: str, file: ModelsFile) -> Model:
    if name not in file.model:
        known = ", ".join(sorted([*BUILT_IN, *file.model, *file.team]))
        raise BadInput(f"no model is called {name!r}: there are {known}, or give its server with --base-url")
    return file.model[name]
