"""A benchmark as it is kept (JSONL, JSON, CSV, Parquet, a Hugging Face dataset) → rows as plain dicts.

Parquet and Hugging Face need the extra `datasets`; nothing of it is imported for the other formats.
"""

import csv
import importlib
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from sandbox.api import BadInput

Fields = dict[str, Any]

# Short names for the datasets of the field, as their authors publish them.
ALIASES = {
    "lite": "SWE-bench/SWE-bench_Lite",
    "verified": "SWE-bench/SWE-bench_Verified",
    "full": "SWE-bench/SWE-bench",
    "multilingual": "SWE-bench/SWE-bench_Multilingual",
    "swe-gym": "SWE-Gym/SWE-Gym",
    "swe-smith": "SWE-bench/SWE-smith",
}
SPLIT = "test"
SHIPPED = {"releases": Path(__file__).parent / "data" / "releases.jsonl"}


def read_rows(source: str) -> list[Fields]:
    """The rows of a file, of a local dataset folder, or of a dataset id or alias, by `NAME` or `NAME:SPLIT`.

    Raises:
        BadInput: it cannot be read; the message names the line where there is one.
    """
    path = SHIPPED.get(source, Path(source))
    name, _, split = (source, "", "") if path.exists() else source.partition(":")
    if path.is_file() or (path.suffix.lower() in READERS and not path.exists()):
        rows = _file_rows(path)
    elif Path(name).is_dir() or "/" in name.strip("/.") or name.lower() in ALIASES:
        rows = _dataset_rows(name, split, source)
    else:
        raise BadInput(
            f"{source}: no such file, folder or dataset; known short names: {', '.join((*SHIPPED, *ALIASES))}"
        )
    if not rows:
        raise BadInput(f"{source} has no rows")
    return rows


def _file_rows(path: Path) -> list[Fields]:
    """By the format that the name ends in."""
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise BadInput(f"{path} is no file of rows: its name must end in {', '.join(READERS)}")
    try:
        return list(reader(path))
    except OSError as problem:
        what = "name a benchmark file, a dataset id or a task folder"
        raise BadInput(f"cannot read {path} ({problem.strerror or problem}): {what}") from None
    except (UnicodeDecodeError, csv.Error) as problem:
        raise BadInput(f"{path} is not {path.suffix[1:].upper()} in UTF-8: {problem}") from None


def _jsonl(path: Path) -> Iterator[Fields]:
    with path.open(encoding="utf-8-sig") as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                yield _object(_parsed(line, f"{path}, line {number}"), f"{path}, line {number}")


def _json(path: Path) -> Iterator[Fields]:
    """A list of rows, or an object of rows by id, as `preds.json` is kept."""
    value = _parsed(path.read_text("utf-8-sig"), str(path))
    if not isinstance(value, list | dict):
        raise BadInput(f"{path} is neither a list of rows nor an object of rows by id")
    for number, row in enumerate(value.values() if isinstance(value, dict) else value, 1):
        yield _object(row, f"{path}, row {number}")


def _csv(path: Path) -> Iterator[Fields]:
    csv.field_size_limit(min(sys.maxsize, 2**31 - 1))  # a patch is longer than csv's own limit
    with path.open(encoding="utf-8-sig", newline="") as file:  # a spreadsheet begins its CSV with a mark
        rows = csv.DictReader(file)
        for row in rows:
            if None in row:
                raise BadInput(f"{path}, line {rows.line_num} has more fields than the header")
            yield row


def _parquet(path: Path) -> Iterator[Fields]:
    parquet = _extra("pyarrow.parquet")
    try:
        yield from parquet.read_table(path).to_pylist()
    except ValueError as problem:  # as Arrow's own errors are
        raise BadInput(f"{path} is not Parquet: {str(problem).splitlines()[0]}") from None


READERS: Mapping[str, Callable[[Path], Iterator[Fields]]] = {
    ".jsonl": _jsonl,
    ".json": _json,
    ".csv": _csv,
    ".parquet": _parquet,
}


def _dataset_rows(name: str, split: str, source: str) -> list[Fields]:
    datasets = _extra("datasets")
    try:
        if any((Path(name) / file).is_file() for file in ("dataset_info.json", "dataset_dict.json")):
            kept = datasets.load_from_disk(name)
            chosen = kept[_split(split, list(kept), source)] if hasattr(kept, "keys") else kept
        else:
            name = ALIASES.get(name.lower(), name)
            split = _split(split, datasets.get_dataset_split_names(name), source)
            chosen = datasets.load_dataset(name, split=split)
        return [dict(row) for row in chosen]
    except BadInput:
        raise
    except (OSError, ValueError) as problem:  # no network, no such dataset, not what its name says
        raise BadInput(f"{source} cannot be loaded as a dataset: {str(problem).splitlines()[0]}") from problem


def _split(wanted: str, splits: Sequence[str], source: str) -> str:
    """The one that is wanted; else `test`, or the only one that there is (SWE-smith and SWE-Gym have `train` alone)."""
    chosen = wanted or (SPLIT if SPLIT in splits or len(splits) != 1 else splits[0])
    if chosen not in splits:
        raise BadInput(f"{source} has no split {chosen}: give NAME:SPLIT with one of {', '.join(splits)}")
    return chosen


def _extra(module: str) -> Any:
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError:
        raise BadInput(f"{module.split('.')[0]} is not installed: pip install 'solve[datasets]'") from None


def _parsed(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as problem:
        raise BadInput(f"{where} is not JSON: {problem}") from None


def _object(value: object, where: str) -> Fields:
    if not isinstance(value, dict):
        raise BadInput(f"{where} is not an object with the row's fields")
    return value
