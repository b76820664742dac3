"""The structure of a Python file: definitions, bases, docstrings and imports, from its statements alone.

A query visits every node of the tree; this one opens what holds statements and no expression, and takes a fifth of the
query's time. A function is opened for its own statements only: what is defined in it belongs to it.
"""

from typing import TYPE_CHECKING

from agents.index.found import Found

if TYPE_CHECKING:
    from tree_sitter import Node

HOLDERS = frozenset(
    (
        *("module", "block", "if_statement", "elif_clause", "else_clause", "try_statement", "except_clause"),
        *("except_group_clause", "finally_clause", "with_statement", "for_statement", "while_statement"),
        *("match_statement", "case_clause", "ERROR"),
    )
)


def walk(root: "Node", found: Found) -> None:
    """Put what stands in a file into `found`."""
    statements = root.named_children
    _docstring(next((node for node in statements if node.type != "comment"), None), found)
    waiting = [statements]
    while waiting:
        for node in waiting.pop():
            kind = node.type
            inner = node.child_by_field_name("definition") if kind == "decorated_definition" else node
            if inner is not None and inner.type in ("function_definition", "class_definition"):
                waiting += _definition(node, inner, found)
            elif kind in HOLDERS:
                waiting.append(node.named_children)
            elif kind.startswith("import"):
                _import(node, found)


def _definition(node: "Node", inner: "Node", found: Found) -> "list[list[Node]]":
    """Take in a definition, whose decorators begin at `node`; what is to be walked of it."""
    name, body = inner.child_by_field_name("name"), inner.child_by_field_name("body")
    if name is None or body is None:
        return []
    if inner.type == "class_definition":
        found.add("class", name, node)
        _bases(inner, found)
        _docstring(_first(body), found)
        return [body.named_children]
    found.add("function", name, node)
    _docstring(_first(body), found)
    if found.data.find(b"import ", body.start_byte, body.end_byte) < 0:  # most functions are spared
        return []
    return [[statement for statement in body.named_children if statement.type.startswith("import")]]


def _first(node: "Node") -> "Node | None":
    return node.named_child(0) if node.named_child_count else None


def _docstring(first: "Node | None", found: Found) -> None:
    """Of what begins with this statement."""
    if first is not None and first.type == "expression_statement":
        value = _first(first)
        if value is not None and value.type == "string":
            found.add_doc(value)


def _bases(node: "Node", found: Found) -> None:
    arguments = node.child_by_field_name("superclasses")
    for base in arguments.named_children if arguments else ():
        name = base.child_by_field_name("attribute") if base.type == "attribute" else base
        if name is not None and name.type == "identifier":
            found.bases[name.start_byte] = found.text(name)


def _import(node: "Node", found: Found) -> None:
    if node.type == "import_from_statement":
        names = [node.child_by_field_name("module_name")]
    elif node.type == "import_statement":
        names = [each.child_by_field_name("name") or each for each in node.children_by_field_name("name")]
    else:  # of __future__
        return
    found.imports.update((name.start_byte, found.text(name)) for name in names if name is not None)
