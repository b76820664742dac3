"""Values of a hostile table by the type that they should have; another type counts as not being there."""

from collections.abc import Mapping
from typing import Any

Groups = Mapping[str, tuple[str, ...]]


def table(data: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    value: Any = data
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def lists(table: Mapping[str, Any]) -> Groups:
    return {str(name): strings(value) for name, value in table.items()}


def string(value: object) -> str | None:
    return value if isinstance(value, str) else None


def strings(value: object) -> tuple[str, ...]:
    if isinstance(value, str):  # setup.py may give one string, a line each
        return lines(value)
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list | tuple) else ()


def lines(text: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in text.splitlines() if line.strip() and not line.strip().startswith("#"))
