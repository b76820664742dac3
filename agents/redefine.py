"""Definitions of a file written anew (pure): the whole function, as weak models give it, where the old one stood."""

import textwrap
from collections.abc import Callable, Collection, Sequence

from agents.edits import UNCHANGED, Edited, EditRefused
from agents.index.languages import language_of
from agents.index.unit import Unit
from agents.tools import DEFINES

NAMED = 12  # definitions of a file that are named
BESIDE = ("@", "#", "//", "/*", "*")  # decorators and comments that belong to the definition below them


def redefine(path: str, text: str, code: str) -> Edited:
    """`text` with each definition in `code` in the place of the one that has its name.

    What else stands in `code` (imports, examples) is left out. New lines are indented as the old ones were; decorators
    and comments above a definition stay where the new one has none.

    Raises:
        EditRefused: `code` defines nothing that the file does, or what it defines several times; nothing would change.
    """
    code = textwrap.dedent(code)
    old, lines, fresh = _definitions(path, text), text.splitlines(keepends=True), code.splitlines()
    names = {unit.name for unit in old}
    known = [unit for unit in _definitions(path, code) if unit.name in names]
    outer = [unit for unit in known if not any(unit is not o and o.line <= unit.line <= o.last for o in known)]
    if not outer:
        shown = ", ".join(dict.fromkeys(unit.name for unit in old[:NAMED]))
        raise EditRefused(f"nothing of this is defined in {path}: there are {shown or 'no definitions'}")
    first = len(lines)
    for place, unit in sorted(((_only(unit, old, path), unit) for unit in outer), key=lambda pair: -pair[0].line):
        start, ours = _start(lines, place), _start(fresh, unit)
        if ours > unit.line - 1:  # it brings decorators or comments of its own
            start, ours = place.line - 1, unit.line - 1
        lead = lines[start][: len(lines[start]) - len(lines[start].lstrip())]
        body = textwrap.dedent("\n".join(fresh[ours : unit.last]))
        lines[start : place.last] = [textwrap.indent(body, lead) + "\n"]
        first = start + 1
    done = "".join(lines)
    if done == text:
        raise EditRefused(f"this is what stands there already: {UNCHANGED}")
    return Edited(done, first)


def home(code: str, homes: Callable[[str], Collection[str]]) -> str:
    """The file that defines what the code does, where nobody says which: `homes` gives the files that define a name.

    Raises:
        EditRefused: there is none, or several.
    """
    found = {name: set(homes(name)) for name in dict.fromkeys(DEFINES.findall(code))}
    only = next((places for places in found.values() if len(places) == 1), None)
    if only is None:
        said = "; ".join(f"{name}: {', '.join(sorted(places)) or 'nowhere'}" for name, places in found.items())
        raise EditRefused(f"write the path of the file above the code ({said})")
    return only.pop()


def _definitions(path: str, text: str) -> list[Unit]:
    from agents.index.parse import parse  # brings NumPy, which no command should wait for at its start

    units = parse(language_of(path), text.encode()).units
    return [unit for unit in units if unit.kind in ("function", "method", "class")]


def _start(lines: Sequence[str], unit: Unit) -> int:
    """Where the definition itself begins, counted from 0."""
    own = range(unit.line - 1, unit.last)
    return next((at for at in own if unit.name in lines[at] and not lines[at].lstrip().startswith(BESIDE)), own[0])


def _only(unit: Unit, old: Sequence[Unit], path: str) -> Unit:
    places = [other for other in old if other.name == unit.name]
    if len(places) > 1:
        where = ", ".join(str(place.line) for place in places)
        raise EditRefused(f"{path} defines {unit.name} several times (lines {where}): use `edit`")
    return places[0]
