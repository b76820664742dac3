"""A real llama.cpp server with a real model, however small: `make accept-llama`.

`SOLVE_LLAMA` is the Python of an environment with `llama-cpp-python[server]`, `SOLVE_LLAMA_MODEL` a GGUF file. What the
model says is not looked at, only what the server makes of it.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from llama_server import LlamaServer
from pydantic import BaseModel, ConfigDict

from agents.conversation import Brain, Conversation
from agents.journal import Journal
from agents.llm import Servers
from agents.models import Feature, Model, Price
from agents.probe import features
from agents.record import Request
from agents.structured import ask
from agents.trouble import ContextOverflow
from tasks.limits import Budget

pytestmark = pytest.mark.accept

CONTEXT = 1024  # tokens
FREE = Price(input=0, cached=0, output=0)  # type: ignore[arg-type]


class Fruit(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str
    pieces: int


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    python, model = Path(os.environ["SOLVE_LLAMA"]), Path(os.environ["SOLVE_LLAMA_MODEL"])
    log = tmp_path_factory.mktemp("llama") / "log"
    with LlamaServer(python, model, log, context=CONTEXT) as server:
        yield server.url


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[Servers]:
    made = Servers(Journal(tmp_path / "journal.jsonl", {}), Budget(), lambda model: "none", loopback_only=True)
    yield made
    made.close()
    made.journal.close()


def model(url: str) -> Model:
    return Model(id="local", base_url=url, context=CONTEXT, output=100, price=FREE, temperature=0)


def test_the_server_is_found_to_take_schemas_of_its_own_form_and_no_tools(
    url: str, servers: Servers, tmp_path: Path
) -> None:
    found = features(servers, model(url), tmp_path / "kept")
    assert found == {"json_object"}
    calls = servers.budget.spent.calls
    assert 1 <= calls <= 3
    assert features(servers, model(url), tmp_path / "kept") == found
    assert servers.budget.spent.calls == calls, "it is asked once"


def test_even_the_smallest_model_replies_in_the_asked_form(url: str, servers: Servers) -> None:
    talk = Conversation(Brain(servers, model(url), frozenset({"json_object"})), "s", "You answer in JSON.")
    talk.say("Name a fruit, and how many pieces of it you have: fewer than ten.")
    assert ask(talk, Fruit).name
    assert servers.malformed == 0


@pytest.mark.parametrize("supports", [frozenset(), frozenset({"stream"})])
def test_what_was_used_is_counted_or_booked_at_its_worst(
    url: str, servers: Servers, supports: frozenset[Feature]
) -> None:
    talk = Conversation(Brain(servers, model(url), supports), "s", "You are brief.")
    talk.say("Say hello.")
    reply = talk.turn()
    assert reply.text
    spent = servers.budget.spent
    assert spent.calls == 1
    assert 0 < spent.tokens <= CONTEXT
    if "stream" not in supports:
        assert spent.tokens == reply.tokens_in + reply.tokens_out > 10


def test_a_prompt_beyond_its_context_is_told_from_other_failures(url: str, servers: Servers) -> None:
    request = Request("s", ({"role": "user", "content": "word " * 2 * CONTEXT},), {"model": "local", "max_tokens": 10})
    with pytest.raises(ContextOverflow):
        servers.complete(model(url), request, tries=1)
