import ast
import warnings
from concurrent.futures import ThreadPoolExecutor

import pytest

from sandbox.pysyntax import UNPARSABLE, expression, literal, parse

SOURCE = "def f(x):\n" + "".join(f"    if x == {number}:\n        return [x, (x, {{x: x}})]\n" for number in range(150))


@pytest.mark.slow
def test_threads_do_not_count_each_others_depth() -> None:
    """In turn; python/cpython#106905 shows only now and then, so this is no proof that it would be seen."""
    with ThreadPoolExecutor(4) as pool:
        assert {len(ast.dump(tree)) for tree in pool.map(parse, [SOURCE] * 40)} == {len(ast.dump(ast.parse(SOURCE)))}


def test_what_is_read() -> None:
    assert isinstance(expression("a + 1"), ast.BinOp)
    assert literal("[1, 'a']") == [1, "a"]


def test_their_warnings_are_not_ours() -> None:
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        parse("'\\d'\n")
    assert said == []


@pytest.mark.parametrize("text", ["if", "\0", "(" * 5000, "f'{"])
def test_what_is_no_python(text: str) -> None:
    for read in (parse, expression, literal):
        with pytest.raises(UNPARSABLE):
            read(text)
