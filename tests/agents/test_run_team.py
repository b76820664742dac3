"""What `--model` means, what a cascade does, and how a person answers a run that waits."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

import pytest
from model_server import ModelServer, Say
from team_site import ACCEPT, DONE, MEND, TEST, World, by_role, solver, typed

from agents.cascade import CascadeSolver
from agents.run.graph import mermaid
from agents.run.resume import ask, leave, waits
from agents.run.team import Choices, find_solver
from sandbox.api import BadInput
from tasks.limits import Allowance
from tasks.solvers import EmptySolver, Site, Solver
from tasks.task import Attempt, Cost, Task, TestFile

BUILT_IN = {"empty": EmptySolver}
TOKENS = Allowance(tokens=1_000_000)


def find(name: str, tmp_path: Path, choices: Choices = Choices(), allowance: Allowance = TOKENS) -> Solver:  # noqa: B008
    return find_solver(name, choices, allowance, BUILT_IN, tmp_path, {"SOLVE_OFFLINE": "1"})


def test_a_server_of_the_command_line_solves_with_the_index(tmp_path: Path) -> None:
    world = World(tmp_path / "world")
    search = ("search", {"query": "sum of prices"})
    script = by_role(
        probe=[Say(calls=[("ping", {"word": "pong"})]), Say('{"word": "pong"}')],
        tester=[typed(TEST)],
        coder=[Say(calls=[search]), Say(calls=[MEND, DONE])],
        reviewer=[typed(ACCEPT)],
    )
    with ModelServer(script) as server:
        solver = find("some-model", tmp_path, Choices(base_url=server.url))
        attempt = solver.solve(world.task(), world.site())
        assert attempt.ended == "patched"
        assert "shop/price.py" in server.requests[2]["messages"][1]["content"]
        found = next(m["content"] for m in server.requests[-2]["messages"] if m["role"] == "tool")
        assert "function total" in found
        assert attempt.cost.dollars is None  # nobody knows the price


@pytest.mark.slow
def test_what_a_server_can_do_is_asked_once(tmp_path: Path) -> None:
    acts = {
        "probe": [Say(calls=[("ping", {"word": "pong"})]), Say('{"word": "pong"}')],
        "tester": [typed(TEST)] * 2,
        "coder": [Say(calls=[MEND, DONE])] * 2,
        "reviewer": [typed(ACCEPT)] * 2,
    }
    with ModelServer(by_role(**acts)) as server:
        for number in range(2):
            world = World(tmp_path / f"world{number}")
            solver = find("m", tmp_path, Choices(base_url=server.url))
            assert solver.solve(world.task(), world.site()).ended == "patched"
        assert len(server.requests) == 2 + 3 + 3


@pytest.mark.parametrize(
    ("name", "choices", "allowance", "words"),
    [
        ("gpt-5", Choices(), TOKENS, "set OPENAI_API_KEY"),
        ("nobody", Choices(), TOKENS, "no model is called 'nobody'"),
        ("m", Choices(base_url="http://127.0.0.1:1/v1"), Allowance(dollars=Decimal(1)), "price of m is not known"),
        ("local", Choices(attempts=0), TOKENS, "--attempts"),
        ("local", Choices(approve=frozenset({"lunch"})), TOKENS, "lunch"),
        ("replay:/nowhere", Choices(), TOKENS, "cannot read the journal"),
    ],
)
def test_what_cannot_be_played_is_said_at_once(
    tmp_path: Path, name: str, choices: Choices, allowance: Allowance, words: str
) -> None:
    with pytest.raises(BadInput, match=words):
        find(name, tmp_path, choices, allowance)


# -- cascades ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Fixed:
    """Delivers one thing."""

    name: str
    attempt: Attempt

    def solve(self, task: Task, site: Site) -> Attempt:
        return self.attempt


def patched(world: World, content: bytes) -> Attempt:
    patch = world.workspace.patch_from_files({"shop/price.py": content})
    tests = (TestFile(TEST["path"], TEST["code"].encode(), "model"),)
    return Attempt(patch, "patched", cost=Cost(2, 100, 0, 10, 0.5), tests=tests)


def test_a_cascade_climbs_until_the_harness_says_solved(tmp_path: Path) -> None:
    world = World(tmp_path)
    wrong = patched(world, b"def total(prices):\n    return 6 if prices[0] == 9 else 0\n")
    right = patched(world, b"def total(prices):\n    return sum(prices)\n")
    stages = [
        Fixed("empty", Attempt(b"", "gave_up")),
        Fixed("small", wrong),
        Fixed("large", right),
        Fixed("never", wrong),
    ]
    attempt = CascadeSolver("climb", stages).solve(world.task(), world.site())
    assert attempt.patch == right.patch
    assert attempt.cost.calls == 4
    assert attempt.cost.dollars == 1.0
    assert "small: 2 calls, 110 tokens, $0.5000" in attempt.reason
    assert "never" not in attempt.reason


def test_a_cascade_that_solves_nothing_delivers_the_last_patch(tmp_path: Path) -> None:
    world = World(tmp_path)
    wrong = patched(world, b"def total(prices):\n    return 0\n")
    stages = [Fixed("small", wrong), Fixed("empty", Attempt(b"", "gave_up"))]
    assert CascadeSolver("climb", stages).solve(world.task(), world.site()).patch == wrong.patch


@dataclass
class Told:
    """Keeps what an earlier stage saw failing tests run."""

    heard: list[Mapping[tuple[str, int], float]]
    name: str = "told"

    def solve(self, task: Task, site: Site) -> Attempt:
        self.heard.append(site.suspicion)
        return Attempt(b"", "gave_up")


def test_what_a_stage_saw_failing_tests_run_reaches_the_next_ones(tmp_path: Path) -> None:
    world, told = World(tmp_path), Told([])
    watched = Fixed("repair", Attempt(b"", "gave_up", suspicion={("shop/price.py", 2): 1.0}))
    CascadeSolver("climb", [told, watched, told, told]).solve(world.task(), world.site())
    assert told.heard == [{}, {("shop/price.py", 2): 1.0}, {("shop/price.py", 2): 1.0}]


@dataclass
class Takes:
    """A chooser that takes one place."""

    place: int
    seen: tuple[bytes, ...] = ()
    name: str = "takes"

    def choose(self, task: Task, site: Site, patches: Sequence[bytes]) -> tuple[int, Cost]:
        self.seen = tuple(patches)
        return self.place, Cost(1, 50, 0, 5, 0.1)


@pytest.mark.parametrize(
    ("place", "delivered"), [(0, b"sum(prices)\n"), (1, b"0 + sum(prices)"), (2, b"sum(prices)\n")]
)
def test_a_model_chooses_among_patches_that_pass_and_only_a_verified_one_counts(
    tmp_path: Path, place: int, delivered: bytes
) -> None:
    world = World(tmp_path)
    first = patched(world, b"def total(prices):\n    return sum(prices)\n")
    second = patched(world, b"def total(prices):\n    return 0 + sum(prices)\n")
    wrong = patched(world, b"def total(prices):\n    return 0\n")
    stage = Fixed("repair", replace(first, others=(second.patch, wrong.patch)))
    chooser = Takes(place)
    attempt = CascadeSolver("climb", [stage, Fixed("never", wrong)], chooser).solve(world.task(), world.site())
    assert chooser.seen == (first.patch, second.patch, wrong.patch)
    assert delivered in attempt.patch
    assert (attempt.cost.calls, attempt.cost.dollars) == (3, 0.6)


def test_a_model_is_shown_the_patches_and_asked_once(tmp_path: Path) -> None:
    world = World(tmp_path)
    one, two = (patched(world, text).patch for text in (b"def total(prices):\n    return 6\n", b"total = sum\n"))
    with ModelServer([typed({"number": 2, "reasons": "not for one list alone"})]) as server:
        team = solver(server.url, tmp_path / "kept")
        assert team.choose(world.task(), world.site(), [one, two])[0] == 1
        shown = server.requests[0]["messages"][1]["content"]
        assert "+    return 6" in shown
        assert "+total = sum" in shown


# -- people -----------------------------------------------------------------------------------------------------------


def lines(*given: str) -> Iterator[str]:
    yield from given


@pytest.mark.parametrize(
    ("about", "typed_in", "decision", "note"),
    [
        ("plan", ["a"], "accept", ""),
        ("plan", ["x", "", "r"], "refuse", ""),
        ("plan", ["n mind the docs"], "accept", "mind the docs"),
        ("patch", ["n wrong file"], "refuse", "wrong file"),
        ("patch", ["e", "a"], "accept", ""),
    ],
)
def test_a_person_is_asked_until_there_is_an_answer(about: str, typed_in: list[str], decision: str, note: str) -> None:
    source = lines(*typed_in)
    answer = ask({"about": about, "plan": [], "patch": ""}, lambda text: None, lambda prompt: next(source))
    assert (answer["decision"], answer["note"]) == (decision, note)


def test_an_edited_plan_must_be_one(tmp_path: Path) -> None:
    good = json.dumps([{"id": "a", "goal": "g", "files": [], "symbols": [], "check": "", "depends_on": [], "share": 1}])
    source = lines("e", "[]", "e", "not json", "e", good)
    answer = ask({"about": "plan", "plan": []}, lambda text: None, lambda prompt: next(source))
    assert answer["plan"]["subtasks"][0]["id"] == "a"


def test_an_answer_is_left_for_the_run_and_the_question_goes(tmp_path: Path) -> None:
    (tmp_path / "solver").mkdir()
    assert waits(tmp_path) is None
    (tmp_path / "solver" / "question.json").write_text('{"about": "plan", "plan": []}')
    assert waits(tmp_path)["about"] == "plan"
    with pytest.raises(BadInput, match="not an answer"):
        leave(tmp_path, {"decision": "perhaps"})
    leave(tmp_path, {"decision": "accept"})
    assert json.loads((tmp_path / "solver" / "answer.json").read_text()) == {"decision": "accept"}
    assert waits(tmp_path) is None


def test_the_graph_prints_its_nodes() -> None:
    text = mermaid()
    assert text.count("-->") + text.count("-.->") + text.count(".->") >= 15
    assert all(f"{node}(" in text for node in ("reproduce", "plan", "code", "join", "integrate", "test", "review"))
