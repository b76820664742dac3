"""`--model replay:FILE`: the journal of an earlier run in place of a server. Nothing is called, nothing is paid."""

import difflib
import json
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from agents.models import Model
from agents.record import Answer, Declined, Json, Recorded, Request, read
from agents.reply import MalformedReply, Reply, read_reply
from agents.trouble import NOS, ModelRefused
from sandbox.api import BadInput
from tasks.limits import Allowance

SHOWN = 24  # lines of a difference that are shown


class Cassette:
    """Answers from a journal's file. Safe to share between threads."""

    def __init__(self, path: Path, told: Callable[[str, Reply], None] = lambda seat, reply: None) -> None:
        """Raises BadInput: the file cannot be read, or is no journal."""
        self._path = path
        self._told = told
        self._recorded = read(path)
        self._lock = threading.Lock()
        self.malformed = 0

    @property
    def settings(self) -> Json:
        return self._recorded.settings or {}

    def remember(self, seat: str, number: int, key: str, make: Callable[[], Json]) -> Json:
        """What was brought then; made anew where nothing was."""
        found = self._recorded.results.get((seat, number))
        return found.result if found is not None and found.key == key else make()

    def complete(self, model: Model, request: Request, *, tries: int = 1) -> Reply:
        """As a server would answer; malformed replies were asked again then, and are passed over now."""
        while True:
            answer = self.play(request)
            if isinstance(answer, Declined):
                raise NOS[answer.kind](answer.why)
            with suppress(MalformedReply):
                reply = read_reply(answer)
                if reply.refusal:
                    raise ModelRefused(f"{model.id} refused: {reply.refusal[:200]}")
                self._told(request.seat, reply)
                return reply

    def misfit(self) -> None:
        self.malformed += 1

    def limit(self, seat: str, most: Allowance) -> None:
        """Nothing is paid: nobody's part is ever used up."""

    def play(self, request: Request) -> Answer | Declined:
        """The recorded answer, each once.

        Raises:
            BadInput: this request was not recorded; shows how the nearest one differs.
        """
        with self._lock:
            waiting = self._recorded.answers.get(request.key)
            if waiting:
                return waiting.popleft()
        raise BadInput(f"{self._path} has no answer to a request of {request.seat}; {nearest(request, self._recorded)}")


def nearest(request: Request, recorded: Recorded) -> str:
    """How a request differs from the recorded one that is most like it."""
    if not recorded.requests:
        return "it has none at all"
    best = max(recorded.requests.values(), key=lambda other: _likeness(request, other))
    if best.key == request.key:
        return "its answers to this request are used up"
    ours, theirs = _lines(request), _lines(best)
    lines = list(difflib.unified_diff(theirs, ours, f"recorded by {best.seat}", "asked now", lineterm="", n=1))
    more = [f"... and {len(lines) - SHOWN} more lines"] if len(lines) > SHOWN else []
    return "\n".join([f"the nearest is one of {best.seat}:", *lines[:SHOWN], *more])


def _likeness(request: Request, other: Request) -> tuple[int, bool, int]:
    common = 0
    for ours, theirs in zip(request.hashes, other.hashes, strict=False):
        if ours != theirs:
            break
        common += 1
    return common, request.seat == other.seat, -abs(len(request.messages) - len(other.messages))


def _lines(request: Request) -> list[str]:
    return [json.dumps(dict(request.options), sort_keys=True), *_spoken(request.messages)]


def _spoken(messages: Sequence[Json]) -> list[str]:
    lines: list[str] = []
    for message in messages:
        rest = {name: value for name, value in message.items() if name not in ("role", "content")}
        lines += [f"[{message.get('role')}]", *str(message.get("content") or "").splitlines()]
        lines += [json.dumps(rest, sort_keys=True)] if rest else []
    return lines
