import numpy as np
import pytest
from index_trees import SHOP

from agents.index.evaluate import Measured, report
from agents.index.fit import softmax_regression
from agents.index.gold import gold_of
from agents.index.weights import Fold, Linear, Weights


def patch(path: str, before: str, after: str) -> str:
    from difflib import unified_diff

    lines = unified_diff(before.splitlines(True), after.splitlines(True), f"a/{path}", f"b/{path}")
    return f"diff --git a/{path} b/{path}\n" + "".join(lines)


BASKET = SHOP["shop/basket.py"].decode()


def touched(after: str) -> set[int]:
    return {line for _, line in gold_of(patch("shop/basket.py", BASKET, after), lambda path: SHOP[path]).units}


def test_a_removed_line_touches_its_method() -> None:
    assert touched(BASKET.replace("return rounded(", "return float(")) == {11}


def test_a_change_in_a_nested_function_touches_the_outer() -> None:
    assert touched(BASKET.replace("return None", "return item")) == {15}


def test_a_new_method_touches_its_class() -> None:
    assert touched(
        BASKET.replace("    def clear_all", "    def size(self):\n        return 3\n\n    def clear_all")
    ) == {6}


def test_a_line_added_to_a_method_touches_the_method() -> None:
    assert touched(BASKET.replace("        return rounded", "        self.sort()\n        return rounded")) == {11}


def test_a_change_of_the_module_touches_no_unit_and_a_new_file_is_no_label() -> None:
    gold = gold_of(patch("shop/basket.py", BASKET, "import os\n" + BASKET), lambda path: SHOP[path])
    assert (gold.files, gold.units) == ({"shop/basket.py"}, frozenset())
    added = "diff --git a/n.py b/n.py\nnew file mode 100644\n--- /dev/null\n+++ b/n.py\n@@ -0,0 +1 @@\n+x = 1\n"
    assert gold_of(added, lambda path: b"").files == frozenset()


def test_the_report_counts_by_hand() -> None:
    rows = [
        Measured("a", "o/r", (1,), (2,), (1, 6), 0.1),
        Measured("b", "o/r", (4,), (1,), (), 0.3),
        Measured("c", "o/s", (0,), (0,), (0,), 0.2),
    ]
    found = report(rows)
    assert found["file"] == {"recall@1": 0.3333, "recall@3": 0.3333, "recall@5": 0.6667, "recall@10": 0.6667}
    assert found["function"] == {"recall@1": 0.25, "recall@5": 0.25, "recall@10": 0.5, "recall@20": 0.5}
    assert found["mrr"] == pytest.approx((1 + 1 / 4) / 3, abs=1e-4)
    assert (found["n"], found["n_function"], found["cpu_s"]) == (3, 2, 0.2)
    assert found["minus_bm25_whole_file"]["recall@1"]["mean"] == 0.0
    assert found["repositories"]["o/s"]["file"]["recall@10"] == 0.0


def test_the_fit_finds_the_signal_and_not_the_noise() -> None:
    random = np.random.default_rng(1)
    rows = []
    for _ in range(60):
        matrix = random.normal(size=(30, 3))
        gold = np.zeros(30, np.bool_)
        gold[int((2 * matrix[:, 0] - matrix[:, 2] + random.gumbel(size=30)).argmax())] = True
        rows.append((matrix, gold))
    weights = softmax_regression(rows, 0.1)
    assert weights == pytest.approx([2, 0, -1], abs=0.4)


def test_no_row_is_scored_by_weights_that_saw_it() -> None:
    seen, unseen = Linear(file={"title": 1.0}, unit={}), Linear(file={"title": 2.0}, unit={})
    weights = Weights(about="", weights=seen, folds=(Fold(without=("a",), weights=unseen),))
    assert weights.for_row("a") is unseen
    assert weights.for_row("new") is seen
