"""What a role may do, as typed calls: their schemas for a server, and what a model wrote, read back."""

import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agents.record import Json
from agents.reply import ToolUse

SECONDS = 120  # a command may take, unless it asks for more
MOST_SECONDS = 600


class BadCall(ValueError):
    """A tool that is not there, or arguments that do not fit; the message says so to the model."""


class Tool(BaseModel):
    """Arguments of one tool; its docstring is what the model reads."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: ClassVar[str]


class View(Tool):
    """Show lines of a file with their numbers, or list a folder. A path is relative to the repository's root."""

    name = "view"
    path: str
    start: int = Field(default=1, ge=1, description="first line")
    end: int | None = Field(default=None, description="last line; left out: 250 lines from the first")


class Search(Tool):
    """Find code: an exact piece of text anywhere in the repository, or words that describe what is looked for."""

    name = "search"
    query: str = Field(min_length=1)


class Edit(Tool):
    """Replace one place in a file. `search` is the text as it stands there, whole lines, enough to be unique."""

    name = "edit"
    path: str
    search: str
    replace: str


class Define(Tool):
    """Write a function, method or class anew, whole, in the place of the one of its name."""

    name = "define"
    path: str = Field(default="", description="may be left out where only one file defines it")
    code: str


class Create(Tool):
    """Write a new file, or a whole file anew."""

    name = "create"
    path: str
    content: str


class Delete(Tool):
    """Remove a file."""

    name = "delete"
    path: str


class Run(Tool):
    __doc__ = f"""Run a shell command in the repository's root, in a sandbox without network. It ends by itself after
    `seconds` ({SECONDS} unless given, {MOST_SECONDS} at most) and returns what it printed until then, the middle left
    out where it is long. What it changes in files of the repository is kept; files that it creates
    or removes are not part of the patch: use `create` and `delete`."""

    name = "run"
    command: str = Field(min_length=1)
    seconds: int = Field(default=SECONDS, ge=1, le=MOST_SECONDS)


class Test(Tool):
    """Run tests with the project's own command: files or test ids; none means the tests that show the issue. Says
    which fail, and which of those failed before any edit."""

    __test__ = False  # pytest: not a test class
    name = "test"
    tests: list[str] = Field(default_factory=list)


class Done(Tool):
    """The work is finished. The diff is taken from the files as they stand: it need not be shown."""

    name = "done"
    summary: str = Field(description="what was changed and why, one or two sentences")


CODER: Mapping[str, type[Tool]] = {tool.name: tool for tool in (View, Search, Edit, Create, Delete, Run, Test, Done)}
SMALL: Mapping[str, type[Tool]] = {tool.name: tool for tool in (View, Define, Edit)}  # the rest is done for it
BY_VARIANT: Mapping[str, Mapping[str, type[Tool]]] = {"small": SMALL}
# A fenced block: the path that may stand above it, its language, what is in it.
BLOCK = re.compile(r"(?:([\w./-]+\.\w+)[`*:]*[ \t]*\n+)?```([\w+-]*)[ \t]*\n(.*?)(?:```|\Z)", re.DOTALL)
NO_CODE = frozenset({"json", "diff", "text", "bash", "sh", "console", "output"})
DEFINES = re.compile(r"\b(?:def|class|function|func|fn|fun|interface|struct|trait)\s+(\w+)")
FENCE = re.compile(r"```[\w-]*[ \t]*\n(.*?)(?:```|\Z)", re.DOTALL)


@cache
def schema(tool: type[Tool]) -> Json:
    """A tool in OpenAI's function schema."""
    parameters = tool.model_json_schema()
    parameters.pop("description", None)
    parameters.pop("title", None)
    for field in parameters["properties"].values():
        field.pop("title", None)
    description = " ".join((tool.__doc__ or "").split())
    return {"type": "function", "function": {"name": tool.name, "description": description, "parameters": parameters}}


def parse(use: ToolUse, tools: Mapping[str, type[Tool]]) -> Tool:
    """Raises BadCall: no such tool, or the arguments do not fit."""
    if use.name not in tools:
        raise BadCall(f"there is no tool {use.name!r}: there are {', '.join(tools)}")
    try:
        return tools[use.name].model_validate_json(use.arguments or "{}")
    except ValidationError as error:
        raise BadCall(f"{use.name}: {complaint(error)}") from error


def complaint(error: ValidationError) -> str:
    """What does not fit, in one line, without repeating the whole input."""
    parts = [f"{'.'.join(map(str, item['loc'])) or 'the reply'}: {item['msg']}" for item in error.errors()[:4]]
    return "; ".join(parts)


def described(tools: Mapping[str, type[Tool]]) -> str:
    """The tools as text, for servers that take none."""
    rows = "\n".join(f"- {_signature(tool)}: {schema(tool)['function']['description']}" for tool in tools.values())
    example = '```json\n{"name": "view", "arguments": {"path": "setup.py"}}\n```'
    how = "To call one, write its name and arguments as JSON in a fenced block, and nothing after it:"
    return f"These are your tools:\n{rows}\n{how}\n{example}"


def _signature(tool: type[Tool]) -> str:
    """As short as it can be said: a schema takes four times as many tokens."""
    shown = []
    for name, field in tool.model_fields.items():
        default = "" if field.is_required() else f" = {json.dumps(field.get_default(call_default_factory=True))}"
        kind = getattr(field.annotation, "__name__", "int")
        shown.append(f"{name}: {kind}{default}" + (f" ({field.description})" if field.description else ""))
    return f"{tool.name}({', '.join(shown)})"


def calls_in(text: str, names: Sequence[str]) -> tuple[ToolUse, ...]:
    """Tool calls that a model wrote into its text: fenced blocks, or the whole text, with a known name.

    Where `define` is one of them, a block of code is a call of it: quotes within quotes cost weak models much.
    """
    found: list[tuple[str, str]] = []
    for path, language, block in BLOCK.findall(text):
        written = _written(block, names)
        if not written and Define.name in names and language not in NO_CODE and DEFINES.search(block):
            written = [(Define.name, json.dumps({"path": path, "code": block}))]
        found += written
    return tuple(ToolUse(f"text_{n}", *call) for n, call in enumerate(found or _written(text, names)))


def _written(block: str, names: Sequence[str]) -> list[tuple[str, str]]:
    """Calls as JSON: name and arguments."""
    try:
        rows = json.loads(block.strip())
    except ValueError:
        return []
    found = []
    for row in rows if isinstance(rows, list) else [rows]:
        if isinstance(row, dict) and row.get("name") in names:
            arguments = row.get("arguments", row.get("parameters", {}))
            found.append((row["name"], arguments if isinstance(arguments, str) else json.dumps(arguments)))
    return found
