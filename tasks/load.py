"""A benchmark → its rows, told apart by who may see what."""

import hashlib
import json
import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator

from sandbox.api import BadInput
from sandbox.pysyntax import literal
from tasks.dataset import Fields, read_rows
from tasks.harbor import harbor_folders, read_harbor
from tasks.released import Pair, with_answers
from tasks.row import Row, Setup, reversed_patch
from tasks.task import Answer, Issue, Task


@dataclass(frozen=True, slots=True)
class Selection:
    """Which rows: all filters hold together; `seed` shuffles before `part` is cut."""

    ids: tuple[str, ...] = ()
    repositories: tuple[str, ...] = ()
    part: slice = field(default_factory=lambda: slice(None))
    seed: int | None = None
    since: str = ""  # ISO 8601: rows that were made on that day or later, after a model's training ended


@dataclass(frozen=True, slots=True)
class Suite:
    """The rows that were asked for, and digests of what they hold, answers included, by id."""

    name: str
    rows: tuple[Row, ...]
    digests: Mapping[str, str]

    @property
    def digest(self) -> str:
        """Of all rows, in any order of the file."""
        return hashlib.sha256(json.dumps(self.digests, sort_keys=True).encode()).hexdigest()[:16]


def load(source: str, selection: Selection = Selection()) -> Suite:
    """Rows of a benchmark file, dataset id, local dataset folder, or Harbor task folder(s).

    Raises:
        BadInput: it cannot be read, a field is missing, an id is there twice, or nothing is selected.
        NetworkUnavailable: a row names releases, and they cannot be had.
    """
    folders = harbor_folders(Path(source))
    given = [] if folders else read_rows(source)
    rows = [read_harbor(folder) for folder in folders] if folders else [parse_row(fields) for fields in given]
    name, count = Counter(row.task.id for row in rows).most_common(1)[0]
    if count > 1:
        raise BadInput(f"{source} has {count} rows {name}")
    rows = with_answers(_selected(rows, selection, source), pairs(given))
    return Suite(Path(source).name, tuple(rows), {row.task.id: _digest(row) for row in rows})


def parse_slice(text: str) -> slice:
    """`10`, `5:10`, `::2`, as Python cuts a list.

    Raises:
        BadInput: anything else.
    """
    try:
        parts = [int(part) if part.strip() or ":" not in text else None for part in text.split(":")]
        part = slice(*parts)
        part.indices(0)  # refuses a step of nothing
    except (ValueError, TypeError):
        raise BadInput(f"{text!r} is no slice: write START:STOP or a count") from None
    return part


def _listed(value: object) -> object:
    """The field keeps lists as JSON text in some files, as lists in others, as Python writes them in a CSV."""
    if not isinstance(value, str):
        return value if value is not None else []
    try:
        return json.loads(value) if value.strip() else []
    except ValueError:
        return _literal(value)


def _literal(text: str) -> object:
    try:
        return literal(text)
    except (SyntaxError, MemoryError, RecursionError) as problem:
        raise ValueError(f"no list: {problem}") from None


Ids = Annotated[tuple[str, ...], BeforeValidator(_listed)]


class _Fields(BaseModel):
    """SWE-bench's fields, and what SWE-smith, SWE-Gym and Multilingual add. `hints_text` is not among them: it may
    quote the answer, so it never enters the program."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    instance_id: str
    repo: str
    problem_statement: str
    base_commit: str = ""
    patch: str = ""
    test_patch: str = ""
    version: str = ""
    environment_setup_commit: str = ""
    image: str = Field("", validation_alias=AliasChoices("image_name", "docker_image", "image"))
    flaky: bool = False  # `solve validate` adds it
    created_at: str = ""
    fail_to_pass: Ids = Field(validation_alias=AliasChoices("FAIL_TO_PASS", "fail_to_pass"))
    pass_to_pass: Ids = Field((), validation_alias=AliasChoices("PASS_TO_PASS", "pass_to_pass"))

    @field_validator("*")
    @classmethod
    def _is_text(cls, value: object) -> object:
        """JSON may hold half a surrogate pair; no patch and no name does."""
        str(value).encode()
        return value


def parse_row(fields: Fields) -> Row:
    """One row in the field's own names.

    Raises:
        BadInput: what is missing or wrong, with the row's id.
    """
    try:
        row = _Fields.model_validate({name: value for name, value in fields.items() if value is not None})
    except ValidationError as problem:
        first = problem.errors()[0]
        field, where = ".".join(str(part) for part in first["loc"]), f"row {fields.get('instance_id', '')}".strip()
        if first["type"] == "missing":
            raise BadInput(f"{where} has no {field}: rows have SWE-bench's columns") from None
        raise BadInput(f"{where}: {field}: {first['msg']}") from None
    planted = row.patch.encode() if row.image and not row.base_commit else b""  # SWE-smith: the bug, not the fix
    title, _, body = row.problem_statement.partition("\n")
    return Row(
        Task(row.instance_id, row.repo, row.base_commit, Issue(title, body, source="benchmark")),
        Answer(
            reversed_patch(planted) or row.patch.encode(), row.test_patch.encode(), row.fail_to_pass, row.pass_to_pass
        ),
        Setup(row.version, row.environment_setup_commit or row.base_commit, row.image, planted),
        row.flaky,
        row.created_at,
    )


def pairs(rows: Iterable[Fields]) -> dict[str, Pair]:
    """By row id, of the rows that name releases and leave their patches to them.

    Raises:
        BadInput: a pair is not what it must be.
    """
    found = {}
    for fields in rows:
        if fields.get("release") and not fields.get("patch"):
            try:
                found[str(fields["instance_id"])] = Pair.model_validate(fields["release"])
            except ValidationError as problem:
                raise BadInput(f"row {fields['instance_id']}: release: {problem.errors()[0]['msg']}") from None
    return found


def _selected(rows: Sequence[Row], selection: Selection, source: str) -> list[Row]:
    missing = sorted(set(selection.ids) - {row.task.id for row in rows})
    if missing:
        raise BadInput(f"{source} has no row {', '.join(missing[:5])}")
    chosen = [
        row
        for row in rows
        if (not selection.ids or row.task.id in selection.ids)
        and (not selection.repositories or row.task.repository in selection.repositories)
        and row.created >= selection.since
    ]
    if selection.seed is not None:
        chosen.sort(key=lambda row: row.task.id)
        random.Random(selection.seed).shuffle(chosen)  # noqa: S311  (a sample, not a secret)
    chosen = chosen[selection.part]
    if not chosen:
        raise BadInput(f"no row of {source} is selected by these filters")
    return chosen


def _digest(row: Row) -> str:
    """Of everything that could change a verdict, and of what a solver reads."""
    return hashlib.sha256(f"{row.digest()} {row.task.issue.text()}".encode()).hexdigest()[:16]
