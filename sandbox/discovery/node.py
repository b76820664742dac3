"""Which Node.js a package is run with: Debian's where it may be, else a newer one, which npm has as a package."""

import re
from collections.abc import Sequence
from itertools import islice

DEBIAN = 18
NEWER = (20, 22, 24)  # those with long-term support
_MOST = 1000  # ranges that are looked at
_BETWEEN = re.compile(r"v?(\d+)[\w.]*\s+-\s+v?(\d+)[\w.]*")
_PART = re.compile(r"(>=|<=|>|<|\^|~|=)?\s*v?(\d+)(\.\d+)?[\w.*-]*")


def node_for(ranges: Sequence[str]) -> int:
    """The oldest major version that all of these allow, or else the first, the package's own, alone."""
    known = (DEBIAN, *NEWER)
    every = tuple(islice(dict.fromkeys(ranges), _MOST))
    fit = [major for major in known if all(allows(item, major) for item in every)]
    return (fit or [major for major in known if allows(next(iter(every), ""), major)] or [DEBIAN])[0]


def allows(wanted: str, major: int) -> bool:
    """Whether some release of a major version is in a range of npm's: https://github.com/npm/node-semver#ranges.

    What cannot be read allows everything.
    """
    return any(_meets(_BETWEEN.sub(r">=\1 <=\2", part), major) for part in wanted.split("||"))


def _meets(part: str, major: int) -> bool:
    return all(_holds(sign, int(number[:6]), bool(minor), major) for sign, number, minor in _PART.findall(part))


def _holds(sign: str, number: int, within: bool, major: int) -> bool:
    """`within`: the version has a minor one, so that a part of its major version is on either side."""
    if sign == ">=":
        return major >= number
    if sign == "<=":
        return major <= number
    if sign == ">":
        return major > number or (within and major == number)
    if sign == "<":
        return major < number or (within and major == number)
    return major == number
