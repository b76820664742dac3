r"""A Python file without the insides of its functions, which take half of the time to parse and define nothing.

Of a function stay its header, its docstring, the imports that follow and its last statement, so that it ends where it
ended; blanks stand for the rest, so that everything keeps its place. Where a statement begins is told by its
indentation. Within brackets that can be wrong, and what is left is then no Python: whoever parses it finds an error,
and takes the whole file.
"""

import re

MOST_LINES = 2000  # of one function that are looked at: no file may take quadratic time
END = rb"[ \t\r]*+(?:#[^\n]*+)?\n"  # of a line
GAP = rb"(?:" + END + rb")*+"  # blank lines and comments
LONG = rb'"""(?:[^"\\]++|\\.|"(?!""))*+"""' + rb"|'''(?:[^'\\]++|\\.|'(?!''))*+'''"
STRING = rb"[rRuU]?+(?:" + LONG + rb"""|"[^"\\\n]*+"|'[^'\\\n]*+')"""
NO_STRING = rb"""(?![rRuUbBfF]{0,3}+["'])"""
FUNCTION = re.compile(
    rb"\n([ \t]*+)(?:async[ \t]++)?+def[ \t]++\w++[ \t]*+\((?:[^()]++|\([^()]*+\))*+\)[^:\n]*+:" + END + GAP
    + rb"(?:[ \t]++" + STRING + END + GAP + rb")?+"
    + rb"(?=(\1[ \t]++)[^ \t\r\n])"  # how the function's own statements are indented
    + rb"(?:\2(?:from|import)[ \t][^\n(\\]*+\n" + GAP + rb")*+"
    + rb"(?=[ \t]++" + NO_STRING + rb")(?P<inside>(?:(?:\2[^\n]*+|[ \t\r]*+)\n){0,%d})" % MOST_LINES
    + rb"(?=\2(?!(?:elif|else|except|finally)\b)" + NO_STRING + rb"[A-Za-z_])",
    re.DOTALL,
)  # fmt: skip
BLANK = bytes(byte if byte == ord("\n") else ord(" ") for byte in range(256))
KEPT = re.compile(rb'"""|\'\'\'|import[ \t]')  # imports count, and lines of a string are no statements


def outline(data: bytes) -> bytes:
    """As long as `data`, and with the same lines."""
    return FUNCTION.sub(_without_inside, data)


def _without_inside(function: re.Match[bytes]) -> bytes:
    whole, inside = function[0], function["inside"]
    if KEPT.search(inside):
        return whole
    return whole[: len(whole) - len(inside)] + inside.translate(BLANK)
