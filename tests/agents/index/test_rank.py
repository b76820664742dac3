from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from index_trees import SHOP, write_tree

from agents.guide import IndexGuide
from agents.index.company import context_folders, search_context
from agents.index.context import context, estimate_tokens, repository_map
from agents.index.index import Index
from agents.index.mentions import read_issue
from agents.index.rank import Ranking, rank, score
from agents.index.signals import signals
from agents.index.snapshot import Snapshot, is_test
from agents.index.symbols import definitions, references
from agents.index.weights import shipped
from agents.index.words import forms, stem
from sandbox.api import BadInput

ISSUE = "Total of a basket is off by a cent\nCalling `Basket.total()` truncates; it should round half up.\n"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tree(tmp_path_factory.mktemp("shop"), SHOP)


@pytest.fixture(scope="module")
def snapshot(shop: Path, tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    with Index(tmp_path_factory.mktemp("store") / "shop.sqlite") as index:
        return index.build(shop)


@pytest.fixture(scope="module")
def ranking(snapshot: Snapshot) -> Ranking:
    return rank(snapshot, ISSUE)


def test_the_named_method_comes_first_with_its_reason(ranking: Ranking) -> None:
    assert ranking.files[0].path == "shop/basket.py"
    assert "defines Basket" in ranking.files[0].why[0]
    assert {"Basket", "Basket.total"} >= {symbol.name for symbol in ranking.symbols[:1]}


def test_tests_and_documents_are_no_candidates(ranking: Ranking) -> None:
    assert {file.path for file in ranking.files} == {"shop/__init__.py", "shop/basket.py", "shop/prices.py"}


def test_scores_are_shares(ranking: Ranking) -> None:
    assert sum(file.score for file in ranking.files) == pytest.approx(1)
    assert sum(symbol.score for symbol in ranking.symbols) == pytest.approx(1)


def test_a_callee_that_the_issue_does_not_name_is_near(snapshot: Snapshot) -> None:
    reached = snapshot.graph.to_callees((snapshot.names.index("total") == _units(snapshot)).astype(float))
    assert snapshot.names[int(reached.argmax())] == "rounded"


def test_a_base_class_is_reached_from_its_heir(tmp_path: Path) -> None:
    files = {"a.py": b"class Base:\n    x = 1\n", "b.py": b"from a import Base\n\n\nclass Heir(Base):\n    y = 2\n"}
    with Index(tmp_path / "s.sqlite") as index:
        found = index.build(write_tree(tmp_path / "t", files))
    reached = found.graph.to_callees((found.names.index("Heir") == _units(found)).astype(float))
    assert found.names[int(reached.argmax())] == "Base"


def test_a_frame_of_the_traceback_leads_to_its_function(snapshot: Snapshot) -> None:
    issue = 'It fails\n\nTraceback:\n  File "/usr/lib/site-packages/shop/prices.py", line 8, in rounded\nTypeError\n'
    assert rank(snapshot, issue).symbols[0].name == "rounded"


def test_what_failing_tests_run_comes_first_where_words_say_little(snapshot: Snapshot, shop: Path) -> None:
    inner = ("shop/basket.py", 16)  # of a function in the method
    suspicion = {inner: 1.0, ("shop/prices.py", 8): 0.1, ("gone.py", 1): 1.0, ("shop/prices.py", 10**30): 1.0}
    assert rank(snapshot, "It fails").symbols[0].name != "Basket.clear_all"
    symbols = {symbol.name: symbol for symbol in rank(snapshot, "It fails", suspicion=suspicion).symbols}
    assert next(iter(symbols)) == "Basket.clear_all"
    assert "failing tests run it" in symbols["Basket.clear_all"].why
    assert "failing tests run it" not in symbols["Price"].why
    told = IndexGuide(snapshot, shop, {("shop/prices.py", 8): 1.0})
    assert told.ranked("It fails")[0] == "shop/prices.py" != IndexGuide(snapshot, shop).ranked("It fails")[0]


@pytest.mark.parametrize("issue", ["", "\n", "€ 𝔘𝔫𝔦 %s \0", "x" * 100_000, "the a of"])
def test_an_issue_that_says_nothing_still_ranks(snapshot: Snapshot, issue: str) -> None:
    assert len(rank(snapshot, issue).files) == 3


def test_an_empty_repository_ranks_nothing(tmp_path: Path) -> None:
    (tmp_path / "bare").mkdir()
    with Index(tmp_path / "s.sqlite") as index:
        found = index.build(tmp_path / "bare")
    assert rank(found, ISSUE) == Ranking((), ())
    assert context(found, Ranking((), ()), lambda _: b"", 1000) == ""


@given(st.integers(0, 600))
def test_a_pack_keeps_its_bound_and_cuts_no_symbol(
    shop: Path, snapshot: Snapshot, ranking: Ranking, tokens: int
) -> None:
    pack = context(snapshot, ranking, lambda path: (shop / path).read_bytes(), tokens)
    assert estimate_tokens(pack) <= tokens
    for block in pack.split("\n\n"):
        if "method Basket.total:" in block:
            assert block.endswith("return rounded(sum(item.amount for item in self))")


def test_a_larger_pack_keeps_its_order(shop: Path, snapshot: Snapshot, ranking: Ranking) -> None:
    def read(path: str) -> bytes:
        return (shop / path).read_bytes()

    large = context(snapshot, ranking, read, 2000)
    assert large == context(snapshot, ranking, read, 2000)
    assert large.index("shop/basket.py defines:") < large.index("shop/prices.py defines:")
    assert large.index("shop/prices.py, function rounded:") > large.index("shop/basket.py, method Basket.total:")


def test_a_long_docstring_does_not_take_the_room_of_code(tmp_path: Path) -> None:
    lines = "\n".join(f"    Said at length, {number}." for number in range(40))
    source = f'def price(a):\n    """The price.\n\n{lines}\n    """\n    text = """\n{lines}\n"""\n    return a + 1\n'
    pack = _pack(tmp_path, {"a.py": source.encode()}, "price() is one too high")
    assert "The price." in pack
    assert "[more of this text]" in pack
    assert pack.count("at length, 1.") + pack.count("at length, 39.") == 3  # the string in the code stays whole
    assert "return a + 1" in pack


def test_a_large_file_does_not_hide_what_the_others_define(tmp_path: Path) -> None:
    large = "class Large:\n" + "\n".join(f"    def price_{number}(self): pass" for number in range(80))
    pack = _pack(tmp_path, {"a.py": large.encode(), "b.py": b"def price(a):\n    return a\n"}, "The price is wrong")
    assert "a.py has:\n     1 class Large:" in pack
    assert "b.py defines:\n     1 def price(a):" in pack


def _pack(folder: Path, files: dict[str, bytes], issue: str, tokens: int = 900) -> str:
    with Index(folder / "s.sqlite") as index:
        found = index.build(write_tree(folder / "t", files))
    return context(found, rank(found, issue), lambda path: files.get(path, b""), tokens)


def test_the_map_names_the_most_central_first(shop: Path, snapshot: Snapshot) -> None:
    drawn = repository_map(snapshot, lambda path: (shop / path).read_bytes(), 400)
    assert drawn.startswith("shop/prices.py:")
    assert "def rounded(amount):" in drawn
    assert "return" not in drawn


def test_a_symbol_is_found_by_name_and_by_its_class(snapshot: Snapshot) -> None:
    (found,) = definitions(snapshot, "Basket.total")
    assert (found.path, found.kind, found.line, found.last) == ("shop/basket.py", "method", 11, 13)
    assert definitions(snapshot, "total") == [found]
    assert definitions(snapshot, "Price.total") == []


def test_calls_are_found_and_a_name_in_a_comment_is_no_call(tmp_path: Path) -> None:
    files = {
        "a.py": b"def cost(): pass\n",
        "b.py": b"# cost(1)\nfrom a import cost\nx = cost\ny = cost(2)\nz = g.cost(3)\n",
    }
    folder = write_tree(tmp_path / "t", files)
    with Index(tmp_path / "s.sqlite") as index:
        found = index.build(folder)
    calls = references(found, "cost", lambda path: (folder / path).read_bytes())
    assert [(call.path, call.line, call.text) for call in calls] == [
        ("b.py", 4, "y = cost(2)"),
        ("b.py", 5, "z = g.cost(3)"),
    ]


def test_documents_rank_among_the_code_by_how_well_their_words_fit(shop: Path, snapshot: Snapshot) -> None:
    issue = "How does a refund work?\nMoney should go back."
    best = search_context(snapshot, lambda path: (shop / path).read_bytes(), shop, issue)[0]
    assert (best.origin, best.path, best.name, best.line, best.place) == ("", "docs/refunds.md", "Refunds", 5, 0)
    assert best.text == "## Refunds\n\nMoney goes back within a fortnight."


def test_company_context_reaches_the_pack_with_its_origin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOLVE_CACHE_DIR", str(tmp_path / "cache"))
    repo = write_tree(
        tmp_path / "repo",
        SHOP
        | {
            "pyproject.toml": b'[tool.solve]\ncontext = ["handbook"]\n',
            "handbook/money.md": b"# Cents\n\nA cent is half up.\n",
        },
    )
    with Index(tmp_path / "s.sqlite") as index:
        guide = IndexGuide(index.build(repo), repo)
    text = guide.context(ISSUE, 1500)
    assert "handbook: handbook/money.md, lines 1 to 3:\n# Cents\n\nA cent is half up." in text
    assert "method Basket.total:" in text
    assert "handbook: handbook/money.md:1-3: Cents" in guide.find("half up a cent")
    assert guide.find("Basket.total").splitlines()[0] == "shop/basket.py:11-13: method Basket.total"


def test_a_guide_reads_nothing_that_was_not_indexed(tmp_path: Path) -> None:
    repo = write_tree(tmp_path / "repo", SHOP)
    write_tree(tmp_path, {"secret.py": b"def rounded(amount):\n    return 'secret'\n"})
    with Index(tmp_path / "s.sqlite") as index:
        guide = IndexGuide(index.build(repo), repo)
    (repo / "shop/prices.py").unlink()
    (repo / "shop/prices.py").symlink_to(tmp_path / "secret.py")
    (repo / "shop/basket.py").write_bytes(b"class Basket: changed = 1\n")
    text = guide.context("rounded is wrong\n\n`rounded` of `Basket`", 1500)
    assert "shop/prices.py" in text
    assert "secret" not in text
    assert "changed" not in text


def test_a_repository_may_name_only_folders_of_its_own(tmp_path: Path) -> None:
    settings = tmp_path / "home" / "solve.toml"
    repo = write_tree(
        tmp_path / "repo", {"pyproject.toml": b'[tool.solve]\ncontext = ["docs"]\n', "docs/a.md": b"# A\n"}
    )
    write_tree(tmp_path, {"home/solve.toml": b'[tool.solve]\ncontext = ["../sibling"]\n', "sibling/b.py": b"b = 1\n"})
    assert context_folders(repo, settings) == [("docs", repo / "docs"), ("../sibling", tmp_path / "sibling")]
    (repo / "pyproject.toml").write_text('[tool.solve]\ncontext = ["../sibling"]\n')
    with pytest.raises(BadInput, match="outside of the repository"):
        context_folders(repo, settings)
    (repo / "pyproject.toml").write_text("[tool.solve]\ncontext = 3\n")
    with pytest.raises(BadInput, match="list of folders"):
        context_folders(repo, settings)


def test_words_meet_in_their_forms() -> None:
    assert set(forms("MatrixSymbols")) >= {"matrixsymbols", "matrix", "~symbol"}
    assert stem("raises") == stem("raised") == stem("raising")
    assert forms("the") == ()


def test_links_and_templates_of_an_issue_say_little() -> None:
    text = "Bug\n<!-- please search first -->\nsee https://github.com/a/b/blob/abc/shop/prices.py#L3 and https://x.org/y.py"
    found = read_issue(text)
    assert found.paths == ("shop/prices.py",)
    assert "search" not in found.body


@pytest.mark.parametrize(
    ("path", "test"),
    [("tests/a.py", True), ("a/test_b.py", True), ("a/b_test.go", True), ("a/FooTest.java", True),
     ("src/testing.py", False), ("contest/a.py", False), ("a/latest.py", False)],
)  # fmt: skip
def test_tests_are_known_by_their_path(path: str, test: bool) -> None:
    assert is_test(path) is test


def _units(snapshot: Snapshot):  # type: ignore[no-untyped-def]

    return np.arange(len(snapshot.line))


def test_a_callee_gains_by_its_callers_share_and_says_so(snapshot: Snapshot) -> None:
    scored = score(signals(snapshot, ISSUE), shipped().weights)
    gains = dict(zip((snapshot.names[unit] for unit in scored.signals.units), scored.by_calls, strict=True))
    assert gains["rounded"] == max(gains.values())
    assert gains["rounded"] > 0.1
    (symbol,) = (symbol for symbol in rank(snapshot, ISSUE).symbols if symbol.name == "rounded")
    assert "close by calls to what fits" in symbol.why
