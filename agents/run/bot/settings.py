"""What the operator decided, from the job's environment: never from the repository, never from a text."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from sandbox.api import BadInput

LOGIN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,99}[A-Za-z0-9_])?(?:\[bot\])?")
PREFIX = "SOLVE_BOT_"


class Settings(BaseModel):
    """The workflow's inputs. An input that is empty has its default."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    login: str = "github-actions[bot]"  # the account that writes; a GitHub App's is SLUG[bot]
    label: str = "solve"
    apps: frozenset[str] = Field(default_factory=frozenset)  # other apps that may trigger, by exact login
    model: str = "repair"
    base_url: str = ""
    run_dollars: float = Field(default=2.0, gt=0, le=1000)
    issue_dollars: float = Field(default=6.0, gt=0, le=10_000)
    day_dollars: float = Field(default=20.0, gt=0, le=10_000)  # of the whole repository, since midnight UTC
    seconds: float = Field(default=1800.0, gt=0, le=5 * 3600)  # that the solver may take
    lock_files: bool = False  # whether a patch may change lock files

    @field_validator("apps", mode="before")
    @classmethod
    def _listed(cls, value: object) -> object:
        return frozenset(value.replace(",", " ").split()) if isinstance(value, str) else value

    @field_validator("apps")
    @classmethod
    def _named(cls, value: frozenset[str]) -> frozenset[str]:
        odd = sorted(name for name in value if not LOGIN.fullmatch(name))
        if odd:
            raise ValueError(f"{odd[0]!r} is no account: name each app, there is no wildcard")
        return value


@dataclass(frozen=True, slots=True)
class Job:
    """The job's surroundings, as the forge's CI sets them."""

    forge: str  # github, gitlab
    repository: str
    event: str
    payload: Path
    actors: tuple[str, ...]  # who triggered, and who pressed re-run
    commit: str  # head of the default branch when the event came
    api: str
    server: str
    token: str
    run: str  # address of this run's page


def settings(environment: Mapping[str, str]) -> Settings:
    """Raises BadInput: an input does not fit."""
    given = {name: environment.get(PREFIX + name.upper(), "") for name in Settings.model_fields}
    try:
        return Settings.model_validate({name: value for name, value in given.items() if value})
    except ValidationError as error:
        first = error.errors()[0]
        name = PREFIX + str(first["loc"][0]).upper()
        raise BadInput(f"{name} does not fit: {first['msg'].removeprefix('Value error, ')}") from error


def job(environment: Mapping[str, str]) -> Job:
    """Raises BadInput: this is no job of a CI that is known."""
    return gitlab_job(environment) if environment.get("GITLAB_CI") else github_job(environment)


def github_job(environment: Mapping[str, str]) -> Job:
    needed = ("GITHUB_REPOSITORY", "GITHUB_EVENT_NAME", "GITHUB_EVENT_PATH", "GITHUB_ACTOR", "GITHUB_SHA")
    _demand(environment, needed)
    server = environment.get("GITHUB_SERVER_URL") or "https://github.com"
    repository = environment["GITHUB_REPOSITORY"]
    actors = (environment["GITHUB_ACTOR"], environment.get("GITHUB_TRIGGERING_ACTOR") or environment["GITHUB_ACTOR"])
    return Job(
        "github",
        repository,
        environment["GITHUB_EVENT_NAME"],
        Path(environment["GITHUB_EVENT_PATH"]),
        tuple(dict.fromkeys(actors)),
        environment["GITHUB_SHA"],
        environment.get("GITHUB_API_URL") or "https://api.github.com",
        server,
        environment.get("GITHUB_TOKEN", ""),
        f"{server}/{repository}/actions/runs/{environment.get('GITHUB_RUN_ID', '0')}",
    )


def gitlab_job(environment: Mapping[str, str]) -> Job:
    needed = ("CI_PROJECT_PATH", "TRIGGER_PAYLOAD", "CI_COMMIT_SHA", "CI_API_V4_URL", "CI_SERVER_URL")
    _demand(environment, needed)
    return Job(
        "gitlab",
        environment["CI_PROJECT_PATH"],
        "webhook",
        Path(environment["TRIGGER_PAYLOAD"]),
        # GITLAB_USER_LOGIN is who owns the trigger token, not who acted; a re-run by another changes it.
        tuple(filter(None, (environment.get("GITLAB_USER_LOGIN", ""),))),
        environment["CI_COMMIT_SHA"],
        environment["CI_API_V4_URL"],
        environment["CI_SERVER_URL"],
        environment.get("SOLVE_BOT_TOKEN", ""),
        environment.get("CI_PIPELINE_URL", ""),
    )


def _demand(environment: Mapping[str, str], names: tuple[str, ...]) -> None:
    missing = [name for name in names if not environment.get(name)]
    if missing:
        raise BadInput(f"{missing[0]} is not set: `solve bot` runs in a job of GitHub Actions or GitLab CI")


def is_private(address: str) -> bool:
    """Whether nobody on the way can read what is sent: a token goes nowhere else."""
    parts = urlsplit(address)
    return parts.scheme == "https" or parts.hostname in ("127.0.0.1", "::1", "localhost")
