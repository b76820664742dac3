"""One repository and one server for all flows of a worker; each flow has an issue and a branch of its own."""

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from bot_site import OWNER, REPOSITORY, Site, shop
from github_fake import FakeGitHub
from github_server import serving
from team_site import ISSUE

from agents.run.bot.rest import Clock, Rest
from agents.run.bot.settings import Settings

NUMBERS = count(1)


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[FakeGitHub, Path, str, Rest]]:
    """The fake, a checkout of its repository, the commit, and a client over real HTTP on a clock that only turns."""
    tree, bare, commit = shop(tmp_path_factory.mktemp("shop"))
    people = {OWNER: "admin", "writer": "write", "stranger": "read"}
    fake = FakeGitHub(REPOSITORY, remote=bare, people=people, default_branch="main")
    turned = [0.0]
    clock = Clock(lambda: turned[0], lambda seconds: turned.__setitem__(0, turned[0] + seconds))
    with serving(fake) as url, Rest(f"{url}/api/v3", fake.token, clock) as rest:
        yield fake, tree, commit, rest


@pytest.fixture
def site(served: tuple[FakeGitHub, Path, str, Rest], tmp_path: Path) -> Callable[..., Site]:
    """A site with a new issue; `site.number` is its number."""
    fake, tree, commit, rest = served

    def make(**settings: Any) -> Site:
        fake.calls.clear()
        number = next(NUMBERS)
        fake.issue(number, ISSUE.title, ISSUE.body, OWNER)
        made = Site(tmp_path, fake, Settings(label="bug", **settings), commit, rest.root.removesuffix("/api/v3"))
        made.rest, made.number, made.tree = rest, number, tree
        return made

    return make
