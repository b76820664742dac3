"""Prompts are files: `prompts/<name>.md.j2`, or `<name>.<variant>.md.j2` where a model has a variant of its own."""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Environment

FOLDER = Path(__file__).parent / "prompts"


def render(name: str, variant: str = "", **values: object) -> str:
    """Raises:
    jinja2.UndefinedError: the file names what is not given: a bug, found by the tests of every file.
    """
    environment = _environment()
    names = [f"{name}.{variant}.md.j2"] if variant else []
    return environment.select_template([*names, f"{name}.md.j2"]).render(**values).strip()


@cache
def _environment() -> "Environment":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(FOLDER),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # noqa: S701 (text for a model, not a page)
    )
