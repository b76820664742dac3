"""Runs as a table for DuckDB (extra `sql`): `attempts`, one row for each graded attempt and what people said of it."""

import importlib
import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sandbox.api import BadInput
from tasks.acceptance import People
from tasks.results import Result

TABLE = "attempts"
NOBODY = People()
KINDS: Mapping[str, tuple[str, ...]] = {
    "BIGINT": ("run", "calls", "tokens_in", "tokens_cached", "tokens_out", "pull", "pull_edited_lines"),
    "DOUBLE": ("dollars", "seconds", "model_seconds"),
    "BOOLEAN": ("resolved", "flaky", "published", "cached", "accepted"),
    "VARCHAR[]": ("flagged", "dropped", "not_kept", "label_tags", "labelled_by"),
    "MAP(VARCHAR, VARCHAR)": ("fail_to_pass",),
    "MAP(VARCHAR, DOUBLE)": ("grading",),
}
# Stated, for what DuckDB makes of empty columns, dicts and dates would change from run to run.
TYPES = dict.fromkeys((*Result.model_fields, "label", "label_note", "pull_fate"), "VARCHAR")
TYPES |= {name: kind for kind, names in KINDS.items() for name in names}


def query(results: Sequence[Result], sql: str, people: People = NOBODY) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Column names and rows of one query over `attempts`; it reads and writes no other file.

    Raises:
        BadInput: DuckDB is not installed, or the query is wrong.
    """
    try:
        duckdb = importlib.import_module("duckdb")
    except ModuleNotFoundError:
        raise BadInput("duckdb is not installed: pip install 'solve[sql]'") from None
    with tempfile.TemporaryDirectory(prefix="solve-sql-") as folder:
        path = Path(folder) / "attempts.jsonl"
        rows = [
            result.model_dump(mode="json") | {"resolved": result.resolved} | people.columns(result)
            for result in results
        ]
        kinds = {name: TYPES[name] for name in rows[0]}
        lines = [json.dumps(row) + "\n" for row in rows]
        path.write_text("".join(lines), "utf-8")
        connection = duckdb.connect()
        connection.execute(
            f"CREATE TABLE {TABLE} AS SELECT * FROM read_json(?, columns = {kinds}, maximum_object_size = ?)",  # noqa: S608
            [str(path), max(map(len, lines)) + 1],
        )
    connection.execute("SET enable_external_access = false")
    try:
        found = connection.execute(sql)
        return [column[0] for column in found.description or ()], found.fetchall()
    except duckdb.Error as problem:
        raise BadInput(f"the query is wrong: {str(problem).splitlines()[0]}") from None
