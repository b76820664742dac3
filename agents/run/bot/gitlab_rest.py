"""GitLab's REST API, as politely as GitHub's: one request at a time, a second between writes, waits when told to."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

import httpx
from pydantic import TypeAdapter, ValidationError

from agents.run.bot.forge import ForgeRefused, NotThere
from agents.run.bot.rest import LIMITED, LONGEST, PACE, TRIES, Clock, Unfit, every_item
from agents.run.bot.settings import is_private
from sandbox.api import BadInput, NetworkUnavailable

R = TypeVar("R")


@dataclass
class GitLabRest:
    client: httpx.Client
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._written: float | None = None

    def get(self, place: str, kind: TypeAdapter[R], **query: str | int) -> R:
        """Raises as `Reads`."""
        return self._read(self._send("GET", place, params=query), kind)

    def pages(self, place: str, kind: TypeAdapter[list[R]], **query: str | int) -> Iterator[R]:
        """As `every_item`."""
        return every_item(partial(self.get, place, kind, **query), place)

    def write(self, method: str, place: str, kind: TypeAdapter[R], body: Mapping[str, Any]) -> R:
        """Raises as `Reads`; Unfit where GitLab finds fault with the content."""
        return self._read(self._send(method, place, json=dict(body)), kind)

    def _send(self, method: str, place: str, **content: Any) -> httpx.Response:
        with self._lock:
            for tried in range(1, TRIES + 1):
                if method != "GET" and self._written is not None:
                    self.clock.sleep(max(0.0, self._written + PACE - self.clock.now()))
                try:
                    # The path is percent-encoded already: httpx would take `%2F` for a mistake in a relative one.
                    answer = self.client.request(
                        method, httpx.URL(f"{str(self.client.base_url).rstrip('/')}{place}"), **content
                    )
                except httpx.TransportError as error:
                    if method != "GET" or tried == TRIES:  # a write that may have arrived is not made twice
                        raise NetworkUnavailable(f"{self.client.base_url} cannot be reached: {error}") from error
                    self.clock.sleep(2.0**tried)
                    continue
                finally:
                    self._written = self.clock.now() if method != "GET" else self._written
                if answer.is_success:
                    return answer
                self.clock.sleep(self._patience(method, place, answer, tried))
            raise AssertionError("the last try returns or raises")

    @staticmethod
    def _patience(method: str, place: str, answer: httpx.Response, tried: int) -> float:
        """Seconds to wait before the next try. Raises what there is no use in trying again."""
        status = answer.status_code
        if status == 429:
            told = answer.headers.get("Retry-After", "")
            wait = float(told) if told.isdigit() else LIMITED * 2.0 ** (tried - 1)
            if tried < TRIES and wait <= LONGEST:
                return wait
            raise NetworkUnavailable(f"GitLab allows no more requests for {wait:.0f} s")
        if status >= 500:
            if method == "GET" and tried < TRIES:
                return 2.0**tried
            raise NetworkUnavailable(f"GitLab answers {method} with status {status}: try again later")
        if status == 404 or answer.is_redirect:
            raise NotThere(f"{place} is not there, or this token may not see it")
        if status in (401, 403):
            raise ForgeRefused(f"the token may not {method} {place}: give the job one with the scope for it")
        raise Unfit(f"GitLab does not take {method} {place} ({status}): {answer.text[:300]}")

    @staticmethod
    def _read(answer: httpx.Response, kind: TypeAdapter[R]) -> R:
        try:
            return kind.validate_json(answer.content)
        except ValidationError as error:
            raise NetworkUnavailable(f"the forge does not answer as GitLab does: {error.errors()[0]['loc']}") from error


@contextmanager
def connect(root: str, token: str, clock: Clock | None = None) -> Iterator[GitLabRest]:
    """Raises BadInput: no token, or a line that is not encrypted."""
    if not is_private(root):
        raise BadInput(f"{root} is not encrypted: a token goes over https only")
    if not token:
        raise BadInput("there is no token: give the job one as SOLVE_BOT_TOKEN")
    headers = {"PRIVATE-TOKEN": token, "User-Agent": "solve"}
    with httpx.Client(base_url=root, headers=headers, timeout=30.0, follow_redirects=False) as client:
        yield GitLabRest(client, clock or Clock())
