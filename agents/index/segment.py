"""A segment: the index of a batch of files, never changed once made.

Files are known by blob id, so a segment is true at every commit. What is in it, by column (arrays little-endian):

    blobs       blob ids, hexadecimal, one a line        file_units  first unit of each file, and the end
    lines       number of lines of each file             languages   one a line
    unit_line, unit_last, unit_kind, unit_parent; unit_length and unit_name_parts (words)
    unit_names, unit_bases: one unit a line
    words       raw words, one a line
    code_*, doc_*, name_*: postings of the code, of the doc comments, and of the units' names: `at` (first posting of
                each word, and the end), `unit`, `times`
    forms       forms, one a line                        form_at, form_words: the words each form stands for
    imports     what each file imports, tab-separated, one file a line
"""

from array import array
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import count, repeat

import numpy as np
from numpy.typing import NDArray

from agents.index.parse import KINDS, Parsed, parse
from agents.index.words import STEM_MARK, forms, raw_words

Columns = dict[str, bytes]
MOST_TIMES = 255


@dataclass(frozen=True, slots=True)
class Source:
    """One file to index. `data` is UTF-8."""

    blob: str
    language: str
    data: bytes


class _Field:
    """Words of one field as they come: word ids in a row, and how many each piece has."""

    def __init__(self) -> None:
        self.words: list[int] = []  # the ints are those of the vocabulary, so this is pointers only
        self.owners = array("I")
        self.lengths = array("I")

    def add(self, owner: int, words: Iterable[int]) -> None:
        before = len(self.words)
        self.words.extend(words)
        self.owners.append(owner)
        self.lengths.append(len(self.words) - before)

    def owner_of_word(self) -> NDArray[np.uint32]:
        return np.repeat(np.frombuffer(self.owners, np.uint32), np.frombuffer(self.lengths, np.uint32))


def build_segment(sources: Iterable[Source]) -> Columns:
    """The segment of these files, as columns."""
    ids: defaultdict[bytes, int] = defaultdict(count().__next__)
    code, doc, name = _Field(), _Field(), _Field()
    files: list[tuple[Source, Parsed]] = []
    first = [0]
    for source in sources:
        parsed = parse(source.language, source.data)
        for piece in parsed.pieces:
            found = map(ids.__getitem__, raw_words(source.data[piece.start : piece.end]))
            (doc if piece.doc else code).add(first[-1] + piece.owner, found)
        for place, unit in enumerate(parsed.units):
            name.add(first[-1] + place, map(ids.__getitem__, raw_words(unit.name.encode())))
        first.append(first[-1] + len(parsed.units))
        files.append((Source(source.blob, source.language, b""), parsed))
    words, keep, form_columns = _forms([*ids])
    columns = _file_columns(files, first) | form_columns | {"words": b"\n".join(words)}
    lengths = np.zeros(first[-1], np.uint32)
    for field, given in (("code", code), ("doc", doc), ("name", name)):
        postings, length = _postings(field, given, keep, first[-1])
        columns |= postings
        lengths += length * (field != "name")
    return columns | {"unit_length": lengths.tobytes()}


def _file_columns(files: list[tuple[Source, Parsed]], first: list[int]) -> Columns:
    units = [unit for _, parsed in files for unit in parsed.units]
    parents = [
        start + unit.parent if unit.parent >= 0 else -1
        for start, (_, parsed) in zip(first, files, strict=False)
        for unit in parsed.units
    ]
    return {
        "blobs": _lines(source.blob for source, _ in files),
        "languages": _lines(source.language for source, _ in files),
        "lines": array("I", (parsed.units[0].last for _, parsed in files)).tobytes(),
        "file_units": array("I", first).tobytes(),
        "imports": _lines("\t".join(parsed.imports) for _, parsed in files),
        "unit_line": array("I", (unit.line for unit in units)).tobytes(),
        "unit_last": array("I", (unit.last for unit in units)).tobytes(),
        "unit_kind": bytes(KINDS.index(unit.kind) for unit in units),
        "unit_parent": array("i", parents).tobytes(),
        "unit_name_parts": bytes(sum(form[0] == STEM_MARK for form in forms(unit.name)) for unit in units),
        "unit_names": _lines(unit.name for unit in units),
        "unit_bases": _lines("\t".join(unit.bases) for unit in units),
    }


def _lines(values: Iterable[str]) -> bytes:
    return "\n".join(value.replace("\n", " ") for value in values).encode()


def _forms(words: list[bytes]) -> tuple[list[bytes], NDArray[np.int64], Columns]:
    """The words that have a form to be found by; their new ids (-1 for the others), and the table of forms."""
    ids: defaultdict[str, int] = defaultdict(count().__next__)
    form_of: list[int] = []
    word_of: list[int] = []
    keep = np.full(len(words), -1, np.int64)
    kept: list[bytes] = []
    for old, word in enumerate(words):
        if found := forms(word.rstrip(b"(").decode("utf-8", "replace")):
            keep[old] = len(kept)
            form_of.extend(map(ids.__getitem__, found))
            word_of.extend(repeat(len(kept), len(found)))
            kept.append(word)
    form = np.array(form_of, np.int64)
    order = np.argsort(form, kind="stable")
    at = np.searchsorted(form[order], np.arange(len(ids) + 1)).astype(np.uint32)
    packed = np.array(word_of, np.uint32)[order]
    return kept, keep, {"forms": _lines(ids), "form_at": at.tobytes(), "form_words": packed.tobytes()}


def _postings(name: str, field: _Field, keep: NDArray[np.int64], units: int) -> tuple[Columns, NDArray[np.uint32]]:
    """Compressed rows: for each word the units it is in, and how often. Also how many words each unit has."""
    owners = field.owner_of_word()
    words = keep[np.array(field.words, np.int64)]
    owners, words = owners[words >= 0], words[words >= 0]
    pairs, times = np.unique(words * units + owners, return_counts=True)
    word, unit = np.divmod(pairs, max(1, units))
    total = int(keep.max(initial=-1)) + 1
    columns = {
        f"{name}_at": np.searchsorted(word, np.arange(total + 1)).astype(np.uint32).tobytes(),
        f"{name}_unit": unit.astype(np.uint32).tobytes(),
        f"{name}_times": np.minimum(times, MOST_TIMES).astype(np.uint8).tobytes(),
    }
    return columns, np.bincount(owners, minlength=units).astype(np.uint32)
