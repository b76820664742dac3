"""What a look at one file's syntax tree found, whichever way it was looked at."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agents.index.unit import Kind, Unit

if TYPE_CHECKING:
    from tree_sitter import Node


@dataclass(slots=True)
class Found:
    """Definitions and what stands in them, each by where it starts."""

    data: bytes
    units: dict[int, Unit] = field(default_factory=dict)  # by where the name starts
    bases: dict[int, str] = field(default_factory=dict)
    docs: "dict[int, Node]" = field(default_factory=dict)
    imports: dict[int, str] = field(default_factory=dict)

    def take(self, match: "dict[str, list[Node]]") -> None:
        """Take in one match of a query whose captures are those of `languages`."""
        if docs := match.get("doc", ()):
            self.add_doc(min(docs, key=lambda node: node.start_byte))
        name = match.get("name")
        if name is None:
            self.bases.update((node.start_byte, self.text(node)) for node in match.get("base", ()))
            self.imports.update((node.start_byte, self.text(node)) for node in match.get("import", ()))
            return
        kind: Kind = "function" if "definition.function" in match else "class"
        (definition,) = match[f"definition.{kind}"]
        self.add(kind, name[0], definition, docs)

    def add(self, kind: Kind, name: "Node", definition: "Node", docs: "Sequence[Node]" = ()) -> None:
        """A definition with the doc comment that stands before it; of two with one name the larger is kept."""
        first = min([definition, *docs], key=lambda each: each.start_byte) if docs else definition
        row, column = definition.end_point
        at, start, end = name.start_byte, first.start_byte, definition.end_byte
        before = self.units.get(at)
        if before is None or end - start > before.end - before.start:
            self.units[at] = Unit(kind, self.text(name), start, end, first.start_point[0] + 1, row + (column > 0))

    def add_doc(self, node: "Node") -> None:
        self.docs.setdefault(node.start_byte, node)

    def text(self, node: "Node") -> str:
        return self.data[node.start_byte : node.end_byte].decode("utf-8", "replace")
