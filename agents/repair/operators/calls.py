"""Calls: their arguments, their callee, a call too much or too little."""

import ast
from collections.abc import Iterator

from agents.repair.scope import may_be
from agents.repair.source import Function, last_name
from agents.repair.spot import Change, Spot

# Names that are mistaken for one another; each for each other one in its group.
KIN = (
    ("any", "all"), ("min", "max"), ("sorted", "reversed", "list"), ("append", "extend", "add", "insert"),
    ("add", "update", "remove", "discard"), ("pop", "popleft", "popitem"), ("append", "appendleft"),
    ("startswith", "endswith"), ("find", "rfind", "index"), ("split", "rsplit", "splitlines", "partition"),
    ("strip", "lstrip", "rstrip"), ("keys", "values", "items"), ("lower", "upper", "casefold", "title"),
    ("int", "float", "round"), ("str", "repr"), ("match", "search", "fullmatch"), ("encode", "decode"),
    ("isinstance", "issubclass"), ("floor", "ceil"), ("update", "setdefault"), ("heappush", "heappushpop"),
    ("union", "intersection", "difference"), ("isdigit", "isdecimal", "isnumeric", "isalnum", "isalpha"),
    ("list", "tuple", "set", "frozenset"), ("getattr", "hasattr"), ("islower", "isupper"), ("log", "log2", "log10"),
    ("read", "readline", "readlines"), ("exists", "isfile", "isdir"), ("join", "format"), ("sum", "len", "max"),
)  # fmt: skip
BUILTIN_KIN = {
    "list": ("tuple", "set"), "tuple": ("list",), "str": ("bytes",), "bytes": ("bytearray", "str"), "int": ("float",),
    "float": ("int",), "dict": ("list",), "set": ("frozenset",),
}  # fmt: skip
MOST_CLASSES = 15
WRAPPERS = ("str", "int", "list", "tuple", "set", "len", "abs", "sorted", "bool", "float", "repr")
METHODS = ("strip()", "lower()", "upper()", "rstrip()", "lstrip()", "title()", "splitlines()", "encode()")
MAKERS = {ast.List: "list", ast.Tuple: "tuple", ast.Set: "set"}


def arguments(spot: Spot) -> Iterator[Change]:
    """Two arguments exchanged, one left out, one repeated from the scope."""
    if not isinstance(spot.node, ast.Call):
        return
    args = spot.node.args
    for index, left in enumerate(args):
        for right in args[index + 1 :]:
            if spot.text(left) != spot.text(right):
                yield spot.swap(left, right, 1.2 if right is args[min(index + 1, len(args) - 1)] else 1.5)
    for dropped in (*args, *spot.node.keywords):
        yield _call(spot, [item for item in _pieces(spot) if item != spot.text(dropped)], 1.6)
    for name in spot.scope.variables:
        if name not in ("self", "cls") and len(args) < 3:
            at = len(args)
            yield _call(spot, [*_pieces(spot)[:at], name, *_pieces(spot)[at:]], 2.0)


def callee(spot: Spot) -> Iterator[Change]:
    """Another function: of the same kin, of the same class."""
    if not isinstance(spot.node, ast.Call):
        return
    match spot.node.func:
        case ast.Name(id=name) as func:
            for other, cost in _kin(name):
                yield spot.replace(func, other, cost)
        case ast.Attribute(value=value, attr=name) as func:
            base = spot.text(value)
            for other, cost in _kin(name):
                yield spot.replace(func, f"{base}.{other}", cost)
            for method in _siblings(spot, base):
                if method != name:
                    yield spot.replace(func, f"{base}.{method}", 1.8)


def unwrapped(spot: Spot) -> Iterator[Change]:
    """An argument in place of the call, or what a method was called on."""
    if not isinstance(spot.node, ast.Call) or isinstance(spot.parent, ast.Expr):
        return
    for argument in spot.node.args:
        if not isinstance(argument, ast.Starred):
            yield spot.replace(spot.node, spot.text(argument), 1.4)
    if isinstance(spot.node.func, ast.Attribute):
        yield spot.replace(spot.node, spot.text(spot.node.func.value), 1.6)


def wrapped(spot: Spot) -> Iterator[Change]:
    """A value converted, measured, cleaned, or held above or below another."""
    if not isinstance(spot.node, ast.Name | ast.Attribute | ast.Call | ast.Subscript | ast.BinOp | ast.IfExp):
        return
    if not _is_operand(spot):
        return
    types, text = spot.scope.types(spot.node), spot.text(spot.node)
    extra = 0.0 if types else 0.3
    if may_be(types, "int", "float"):
        for bound in (*_targets(spot), "0", "1"):
            yield spot.replace(spot.node, f"max({bound}, {text})", 1.9 + extra)
            yield spot.replace(spot.node, f"min({bound}, {text})", 1.9 + extra)
    if may_be(types, "str"):
        whole = f"({text})" if isinstance(spot.node, ast.BinOp | ast.IfExp) else text
        for method in METHODS:
            yield spot.replace(spot.node, f"{whole}.{method}", 2.0 + extra)
    for wrapper in WRAPPERS:
        if {wrapper} != types:
            yield spot.replace(spot.node, f"{wrapper}({text})", 2.1 + extra)


def called(spot: Spot) -> Iterator[Change]:
    """A method that was named but not called."""
    if isinstance(spot.node, ast.Attribute | ast.Name) and isinstance(spot.node.ctx, ast.Load):
        if isinstance(spot.parent, ast.Call) and spot.parent.func is spot.node:
            return
        types = spot.scope.types(spot.node)
        if not types or types & {"method", "function", "builtin_function_or_method"}:
            yield spot.replace(spot.node, f"{spot.text(spot.node)}()", 1.4 if types else 2.0)


def sibling_keyword(spot: Spot) -> Iterator[Change]:
    """A keyword argument that another call of the same name gives, in whichever file."""
    if not isinstance(spot.node, ast.Call):
        return
    have = {item.arg: spot.text(item.value) for item in spot.node.keywords}
    for (name, value), names in spot.elsewhere.keywords(last_name(spot.node.func)).items():
        if not names <= spot.scope.visible:
            continue
        if name not in have:
            yield _call(spot, [*_pieces(spot), f"{name}={value}"], 1.6)
        elif have[name] != value:
            pieces = [f"{name}={value}" if item == f"{name}={have[name]}" else item for item in _pieces(spot)]
            yield _call(spot, pieces, 1.8)


def keyword(spot: Spot) -> Iterator[Change]:
    """A keyword that a signature of the callee's name knows; the last position turned into one."""
    if not isinstance(spot.node, ast.Call):
        return
    have = {item.arg for item in spot.node.keywords} | {"self", "cls"}
    pieces = _pieces(spot)
    for parameter in spot.elsewhere.parameters(last_name(spot.node.func)):
        if parameter in have:
            continue
        near = [parameter] if parameter in spot.scope.variables else []
        near += [f"self.{parameter}"] if parameter in spot.scope.attributes.get("self", {}) else []
        for value in (*near, "True", "False", "None"):
            yield _call(spot, [*pieces, f"{parameter}={value}"], 1.6 if value in near else 2.1)
        for argument in spot.node.args[-1:]:
            if not isinstance(argument, ast.Starred):
                at = len(spot.node.args) - 1
                named = f"{parameter}={spot.text(argument)}"
                yield _call(spot, [*pieces[:at], named, *pieces[at + 1 :]], 1.8)


def made(spot: Spot) -> Iterator[Change]:
    """`list(x)` for `[x]`, and the other way round."""
    match spot.node:
        case ast.List(elts=[item]) | ast.Tuple(elts=[item]) | ast.Set(elts=[item]):
            if isinstance(getattr(spot.node, "ctx", None), ast.Store) or isinstance(item, ast.Starred):
                return
            yield spot.replace(spot.node, f"{MAKERS[type(spot.node)]}({spot.text(item)})", 1.7)
        case ast.Call(func=ast.Name(id="list"), args=[item]):
            yield spot.replace(spot.node, f"[{spot.text(item)}]", 1.8)
        case ast.Call(func=ast.Name(id="tuple"), args=[item]):
            yield spot.replace(spot.node, f"({spot.text(item)},)", 1.8)


def instance(spot: Spot) -> Iterator[Change]:
    """One more class in a tuple of them, or beside the one that something is tested to be of."""
    match spot.node:
        case ast.Tuple(elts=[_, *_] as items) if isinstance(spot.parent, ast.Call | ast.keyword):
            have = [spot.text(item) for item in items]
        case ast.Name() | ast.Attribute() if _is_tested_for(spot):
            have = [spot.text(spot.node)]
        case _:
            return
    if all(_is_class(spot, name) for name in have):
        for other in _classes(spot, have):
            yield spot.replace(spot.node, f"({', '.join([*have, other])})", 1.9)


def _is_tested_for(spot: Spot) -> bool:
    match spot.parent:
        case ast.Call(func=ast.Name(id="isinstance" | "issubclass"), args=[_, kind]):
            return kind is spot.node
    return False


def _is_class(spot: Spot, name: str) -> bool:
    return spot.scope.globals.get(name) == "class" or name in BUILTIN_KIN or name[:1].isupper()


def _classes(spot: Spot, have: list[str]) -> list[str]:
    near = [other for name in have for other in BUILTIN_KIN.get(name, ())]
    own = [
        name for name, sort in spot.scope.globals.items() if sort == "class" or (sort == "import" and name.istitle())
    ]
    return [name for name in dict.fromkeys([*near, *own]) if name not in have][:MOST_CLASSES]


def _pieces(spot: Spot) -> list[str]:
    assert isinstance(spot.node, ast.Call)
    return [spot.text(item) for item in (*spot.node.args, *spot.node.keywords)]


def _call(spot: Spot, pieces: list[str], cost: float) -> Change:
    assert isinstance(spot.node, ast.Call)
    return spot.replace(spot.node, f"{spot.text(spot.node.func)}({', '.join(pieces)})", cost)


def _kin(name: str) -> Iterator[tuple[str, float]]:
    for group in KIN:
        if name in group:
            yield from ((other, 1.2) for other in group if other != name)


def _siblings(spot: Spot, base: str) -> list[str]:
    owner = spot.source.class_of(spot.node)
    if owner is None or base not in ("self", "cls"):
        return []
    return [item.name for item in owner.body if isinstance(item, Function) and not item.name.startswith("__")]


def _targets(spot: Spot) -> list[str]:
    """What the statement assigns: a running maximum is compared with itself."""
    statement = spot.source.statement(spot.node)
    if isinstance(statement, ast.Assign):
        return [spot.text(target) for target in statement.targets if not isinstance(target, ast.Tuple)]
    return []


def _is_operand(spot: Spot) -> bool:
    if isinstance(getattr(spot.node, "ctx", None), ast.Store | ast.Del):
        return False
    match spot.parent:
        case ast.Assign() | ast.Return() | ast.keyword() | ast.AugAssign() | ast.For() | ast.comprehension():
            return True
        case ast.Compare() | ast.BinOp() | ast.Yield() | ast.List() | ast.Tuple() | ast.Dict():
            return not isinstance(spot.node, ast.BinOp)
        case ast.Call(func=func):
            return func is not spot.node
    return False
