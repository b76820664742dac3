"""GitHub's REST API, spoken politely: one request at a time, a second between writes, and it waits when told to.

githubkit brings authentication (the token goes to the API's host only), conditional requests (ETag) and the reading of
rate limits; waiting is ours, for it must be bounded and must run on a clock that tests can turn.
https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api
"""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from agents.run.bot.forge import ForgeRefused, NotThere
from agents.run.bot.settings import is_private
from sandbox.api import BadInput, NetworkUnavailable

if TYPE_CHECKING:
    from githubkit import GitHub, Response

PER_PAGE = 100
MOST_PAGES = 30
PACE = 1.0  # seconds between two writes
LIMITED = 60.0  # seconds to wait where the forge limits and does not say for how long
LONGEST = 900.0  # seconds; told to wait for longer, the job gives up
TRIES = 4
VERSION = {"X-GitHub-Api-Version": "2022-11-28"}
R = TypeVar("R")


@dataclass(frozen=True)
class Clock:
    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


@dataclass
class Rest:
    """Use as a context manager: leaving it closes the connection."""

    root: str
    token: str
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        if not is_private(self.root):
            raise BadInput(f"{self.root} is not encrypted: a token goes over https only")
        if not self.token:
            raise BadInput("there is no token: give the job one as GITHUB_TOKEN")
        self._lock = threading.Lock()
        self._written: float | None = None
        self._open = ExitStack()
        self._client = client(self.root, self.token)
        self._open.enter_context(self._client)

    def __enter__(self) -> "Rest":
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def get(self, place: str, kind: TypeAdapter[R], **query: str | int) -> R:
        """Raises as `Reads`."""
        return self._read(self._send("GET", place, params=query), kind)

    def pages(self, place: str, kind: TypeAdapter[list[R]], **query: str | int) -> Iterator[R]:
        """As `every_item`."""
        return every_item(partial(self.get, place, kind, **query), place)

    def write(self, method: str, place: str, kind: TypeAdapter[R], body: Mapping[str, Any]) -> R:
        """Raises as `Reads`; Unfit where the forge finds fault with the content."""
        return self._read(self._send(method, place, json=dict(body)), kind)

    def _send(self, method: str, place: str, **content: Any) -> "Response[Any]":
        from githubkit.exception import RequestError, RequestFailed

        with self._lock:
            for tried in range(1, TRIES + 1):
                self._pace(method)
                try:
                    return self._client.request(method, place.lstrip("/"), headers=VERSION, **content)
                except RequestFailed as error:
                    self._wait_or_raise(method, place, error, tried)
                except RequestError as error:
                    # A write that may have arrived is not made twice.
                    if method != "GET" or tried == TRIES:
                        raise NetworkUnavailable(f"{self.root} cannot be reached: {error.exc}") from error
                    self.clock.sleep(2.0**tried)
            raise AssertionError("the last try returns or raises")

    def _pace(self, method: str) -> None:
        if method == "GET":
            return
        if self._written is not None:
            self.clock.sleep(max(0.0, self._written + PACE - self.clock.now()))
        self._written = self.clock.now()

    def _wait_or_raise(self, method: str, place: str, error: Any, tried: int) -> None:
        status, wait = error.response.status_code, limited(error, tried)
        if wait is not None:
            if tried == TRIES or wait > LONGEST:
                raise NetworkUnavailable(f"{self.root} allows no more requests for {wait:.0f} s") from error
            self.clock.sleep(wait)
        elif status >= 500:
            if method != "GET" or tried == TRIES:
                raise NetworkUnavailable(f"{self.root} answers {method} with status {status}: try again later")
            self.clock.sleep(2.0**tried)
        else:
            raise refusal(method, place, status, message(error)) from error

    @staticmethod
    def _read(response: "Response[Any]", kind: TypeAdapter[R]) -> R:
        try:
            return kind.validate_json(response.content)
        except ValidationError as error:
            raise NetworkUnavailable(f"the forge does not answer as GitHub does: {error.errors()[0]['loc']}") from error


class Unfit(BadInput):
    """Status 422: what was sent cannot be, such as a second pull request for a branch."""


def client(root: str, token: str) -> "GitHub[Any]":
    from githubkit import GitHub
    from githubkit.cache import MemCacheStrategy

    return GitHub(
        token,
        base_url=root,
        user_agent="solve",
        follow_redirects=False,  # a repository that moved is another repository
        timeout=30.0,
        cache_strategy=MemCacheStrategy(),
        auto_retry=False,
    )


def limited(error: Any, tried: int) -> float | None:
    """Seconds to wait, if the forge limits us; None if something else is wrong."""
    from githubkit.exception import RateLimitExceeded

    if isinstance(error, RateLimitExceeded):
        return max(1.0, error.retry_after.total_seconds())
    if error.response.status_code == 429 or "secondary rate limit" in message(error).lower():
        return LIMITED * 2.0 ** (tried - 1)
    return None


def refusal(method: str, place: str, status: int, said: str) -> Exception:
    if status == 404 or status == 410:
        return NotThere(f"{place} is not there, or this token may not see it")
    if status in (401, 403):
        return ForgeRefused(f"the token may not {method} {place}: {said}; give the job the permission for it")
    if status in (301, 302, 307, 308):
        return NotThere(f"{place} has moved")
    return Unfit(f"GitHub does not take {method} {place} ({status}): {said}")


def message(error: Any) -> str:
    """GitHub's own words, bounded."""
    try:
        body = error.response.json()
    except ValueError:
        return ""
    if not isinstance(body, dict):
        return ""
    errors = body.get("errors")
    faults = errors if isinstance(errors, list) else []
    # Of what is wrong it writes objects or, of some things, mere words.
    words = [fault.get("message") if isinstance(fault, dict) else fault for fault in (body, *faults)]
    return "; ".join(str(word) for word in words if word)[:300]


def every_item(get: Callable[..., list[R]], place: str) -> Iterator[R]:
    """Every item of a list that a forge gives in pages. Raises as `Reads`; BadInput beyond `MOST_PAGES`."""
    for number in range(1, MOST_PAGES + 1):
        page = get(per_page=PER_PAGE, page=number)
        yield from page
        if len(page) < PER_PAGE:
            return
    raise BadInput(f"{place} has more than {PER_PAGE * MOST_PAGES} items")
