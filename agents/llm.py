"""The one place that calls a model: any OpenAI-compatible server, through the openai client.

Every call is reserved at its worst case, written down, made, written down again, and only then acted on. What goes
wrong is in `trouble.py`.
"""

import json
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, cast
from urllib.parse import urlsplit

from agents.journal import Journal
from agents.models import Model, is_openai
from agents.patience import GivenUp, while_wanted
from agents.record import Answer, Declined, Json, Request
from agents.reply import MalformedReply, Reply, joined, read_reply, usage_of
from agents.trouble import NOS, ModelRefused, ModelUnavailable, OverShare, Trouble, status_trouble
from sandbox.api import BadInput
from tasks.adaptive import Call, Crowded, Lanes
from tasks.limits import Allowance, Amount, Budget, OverBudget, Reservation

if TYPE_CHECKING:
    from openai import OpenAI

TRIES = 6  # of one request, the first among them
MALFORMED_TRIES = 3
BASE, CAP = 1.0, 60.0  # seconds: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
PATIENCE = 300.0  # seconds: a server that wants to be left alone for longer is down
DEADLINE = 600.0  # seconds for one reply
CONNECT = 20.0
MAX_REPLY = 16 << 20  # bytes
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class Models(Protocol):
    """Answers requests: a server, a journal played back, a script."""

    def complete(self, model: Model, request: Request, *, tries: int = TRIES) -> Reply:
        """Raises ModelError, OverBudget, BadInput: see `trouble.py`."""
        ...

    def misfit(self) -> None:
        """Count a paid reply that cannot be used: no completion, not in the asked form, no call that there is."""
        ...

    @property
    def malformed(self) -> int:
        """Replies that could not be used."""
        ...

    def limit(self, seat: str, most: Allowance) -> None:
        """Let a seat begin no call once it has used this much: its part of the budget that all share."""
        ...


@dataclass
class Servers:
    """Calls the servers of all models of a run. Safe to share between threads."""

    journal: Journal
    budget: Budget
    key: Callable[[Model], str]
    loopback_only: bool = False  # no call leaves this machine
    told: Callable[[str, Reply], None] = lambda seat, reply: None  # each reply, as it comes
    lanes: Lanes = field(default_factory=Lanes)  # how many calls each server bears; shared by the attempts of a batch
    sleep: Callable[[float], None] | None = None  # None: until the budget is ended
    chance: Callable[[], float] = random.random
    clock: Callable[[], float] = time.monotonic
    deadline: float = DEADLINE
    malformed: int = 0  # replies that could not be used
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _clients: dict[tuple[str, str], "OpenAI"] = field(default_factory=dict)
    _read: dict[str, tuple[tuple[str, ...], int]] = field(default_factory=dict)
    _parts: dict[str, Allowance] = field(default_factory=dict)
    _used: dict[str, Amount] = field(default_factory=dict)  # by seats with a part

    def __post_init__(self) -> None:
        # What an earlier process of this run has spent, or may have, counts before anything else does.
        self.budget.reserve(Amount()).settle(self.journal.before)

    def complete(self, model: Model, request: Request, *, tries: int = TRIES) -> Reply:
        trouble, malformed = 0, 0
        while True:
            try:
                reply = self._reply(model, request)
            except MalformedReply as error:
                malformed += 1
                self.misfit()
                if malformed >= min(tries, MALFORMED_TRIES):
                    raise ModelUnavailable(f"{model.base_url} does not send completions: {error}") from error
            except Trouble as error:
                trouble += 1
                if error.fatal is not None:
                    raise error.fatal from error
                if trouble >= tries:
                    raise ModelUnavailable(f"{model.base_url} {error.why}, {trouble} times") from error
                self._wait(trouble, error)
            else:
                if reply.refusal:
                    raise ModelRefused(f"{model.id} refused: {reply.refusal[:200]}")
                return reply

    def misfit(self) -> None:
        with self._lock:
            self.malformed += 1

    def limit(self, seat: str, most: Allowance) -> None:
        self._used[seat] = self.journal.spent(seat)
        self._parts[seat] = most

    def close(self) -> None:
        """Let go of the connections."""
        with self._lock:
            for client in self._clients.values():
                client.close()
            self._clients.clear()

    def _reply(self, model: Model, request: Request) -> Reply:
        answer = self.journal.take(request)
        if isinstance(answer, Declined):
            raise NOS[answer.kind](answer.why)
        if answer is not None:
            try:
                return self._read_reply(request, answer)
            except MalformedReply:  # of an earlier process, which asked again
                self.misfit()
                return self._reply(model, request)
        return self._read_reply(request, self._call(model, request))

    def _read_reply(self, request: Request, answer: Answer) -> Reply:
        reply = read_reply(answer)
        # What was read before is read again in the next request: its tokens are then known, not estimated.
        self._read[request.seat] = (request.hashes, reply.tokens_in)
        self.told(request.seat, reply)
        return reply

    def _call(self, model: Model, request: Request) -> Answer:
        self._check_part(request.seat)
        worst = model.worst(self._bound(request), model.output)
        with self._lane(model) as call, self.budget.reserve(worst) as held:
            number = self.journal.asked(request, worst)
            started = self.clock()
            try:
                raw = self._send(model, request)
            except Trouble as trouble:
                if trouble.crowded:
                    call.refused()
                used = worst if trouble.paid else Amount(1)
                self.journal.failed(number, str(trouble.fatal or trouble.why), used, trouble.no)
                self._settle(held, request.seat, used)
                raise
            call.answered()
            usage = usage_of(raw)
            used = model.cost(usage.prompt_tokens, usage.cached, usage.completion_tokens) if usage else worst
            answer = Answer(raw, used, self.clock() - started)
            self.journal.answered(number, answer)
            self._settle(held, request.seat, used)
            return answer

    def _settle(self, held: Reservation, seat: str, used: Amount) -> None:
        held.settle(used)
        if seat in self._used:  # a seat makes one call at a time
            self._used[seat] += used

    def _check_part(self, seat: str) -> None:
        """Raises OverShare: the seat has used its part."""
        most, used = self._parts.get(seat, Allowance()), self._used.get(seat, Amount())
        for name in ("calls", "tokens", "dollars"):
            part = getattr(most, name)
            if part is not None and getattr(used, name) >= part:
                raise OverShare(f"{seat} has used its part of the budget: {getattr(used, name)} of {part} {name}")

    @contextmanager
    def _lane(self, model: Model) -> Iterator[Call]:
        """What a crowded server has one wait for is no time of the attempt's: how well it does must not depend on how
        many others are made at once."""
        began = self.clock()
        try:
            with self.lanes.to(model.base_url).call(self.budget.seconds_left) as call:
                self.budget.extend(self.clock() - began)
                yield call
        except Crowded as error:
            raise OverBudget("the time is up") from error

    def _bound(self, request: Request) -> int:
        """The most tokens a request can have: no tokenizer makes more than one of a byte.

        A prompt that only grew is what the server counted last time, and the bytes that came to it.
        """
        hashes, known = self._read.get(request.seat, ((), 0))
        if not known or request.hashes[: len(hashes)] != hashes:
            hashes, known = (), 0
        fresh = request.messages[len(hashes) :]
        frame = 0 if known else len(json.dumps(dict(request.options), indent=4).encode())
        return known + frame + sum(16 + len(json.dumps(dict(m), ensure_ascii=False).encode()) for m in fresh)

    def _wait(self, trouble: int, error: Trouble) -> None:
        pause = self.chance() * min(CAP, BASE * 2**trouble)
        pause = error.after + pause / 10 if error.after else pause
        if error.after > PATIENCE:
            raise ModelUnavailable(f"the server {error.why} and asks to be left alone for {error.after:.0f} s")
        if pause >= self.budget.seconds_left:
            raise OverBudget("the time is up")
        (self.sleep or self.budget.wait)(pause)

    def _send(self, model: Model, request: Request) -> Json:
        """One exchange. Raises Trouble."""
        import httpx2
        import openai

        client = self._client(model)
        # As `extra_body`, for the client looks into every message that it is given as an argument, which takes longer
        # than all else together.
        body = {**request.options, "messages": [dict(message) for message in request.messages]}
        end = self.clock() + min(self.deadline, self.budget.seconds_left)
        timeout = httpx2.Timeout(max(0.1, end - self.clock()), connect=min(CONNECT, max(0.1, end - self.clock())))
        exchange = self._streamed if body.get("stream") else self._whole
        try:
            return while_wanted(lambda: exchange(client, body, timeout, end), self.budget)
        except GivenUp:
            raise Trouble("was not waited for any longer", paid=True) from None
        except openai.APIStatusError as error:
            raise status_trouble(error, model) from error
        except openai.APIConnectionError as error:
            unsent = isinstance(error.__cause__, httpx2.ConnectError | httpx2.ConnectTimeout)
            raise Trouble("cannot be reached" if unsent else "broke off or took too long", paid=not unsent) from error
        except (httpx2.RequestError, openai.APIError) as error:
            raise Trouble("broke off in its reply", paid=True) from error
        except (ValueError, MalformedReply) as error:
            raise Trouble("sent a reply that is no JSON", paid=True) from error

    def _whole(self, client: "OpenAI", body: Json, timeout: Any, end: float) -> Json:
        create = client.chat.completions.with_streaming_response.create
        with create(model=body["model"], messages=(), extra_body=body, timeout=timeout) as response:
            data = bytearray()
            for chunk in response.iter_bytes():
                data += chunk
                self._in_time(end, len(data))
        raw = json.loads(data)
        if not isinstance(raw, dict):
            raise ValueError("not an object")
        return raw

    def _streamed(self, client: "OpenAI", body: Json, timeout: Any, end: float) -> Json:
        chunks: list[dict[str, Any]] = []
        size = 0
        create = client.chat.completions.create
        with create(model=body["model"], messages=(), stream=True, extra_body=body, timeout=timeout) as stream:
            for chunk in stream:
                raw = chunk.to_dict()
                size += len(str(raw))
                self._in_time(end, size)
                chunks.append(raw)
        done = joined(chunks)
        if done["choices"] and not done["choices"][0]["finish_reason"]:
            raise Trouble("broke off in its reply", paid=True)
        return done

    def _in_time(self, end: float, size: int) -> None:
        if self.clock() > end:
            raise Trouble("took too long", paid=True)
        if size > MAX_REPLY:
            raise Trouble(f"sent more than {MAX_REPLY >> 20} MiB", paid=True)

    def _client(self, model: Model) -> "OpenAI":
        if self.loopback_only and urlsplit(model.base_url).hostname not in LOOPBACK:
            raise BadInput(f"SOLVE_OFFLINE is set, and {model.base_url} is not this machine")
        with self._lock:
            known = self._clients.get((model.base_url, model.key_env))
            if known is None:
                known = self._clients[model.base_url, model.key_env] = connect(model.base_url, self.key(model))
            return known


def connect(base_url: str, key: str) -> "OpenAI":
    """A client without retries of its own, and with nothing of the environment but proxies and certificates."""
    import openai

    # The client would read the organisation and the project from the environment, and send them to any host.
    nobody = {} if is_openai(base_url) else {"OpenAI-Organization": openai.omit, "OpenAI-Project": openai.omit}
    return openai.OpenAI(
        base_url=base_url,
        api_key=key,
        max_retries=0,
        default_headers=cast(Any, nobody),
        # Reading the certificates costs 50 ms and is of no use without TLS; no redirect can lead to it.
        http_client=openai.DefaultHttpxClient(follow_redirects=False, verify=base_url.startswith("https:")),
    )
