"""A segment: the index of a batch of files, never changed once made.

Files are known by blob id, so a segment is true at every commit. What is in it, by column (arrays little-endian):

    blobs       blob ids, hexadecimal, one a line        file_units  first unit of each file, and the end
    lines       number of lines of each file             languages   one a line
    unit_line, unit_last, unit_kind, unit_parent; unit_length (words), unit_name_parts (stems of its name)
    unit_names, unit_bases, unit_docs: one unit a line   unit_name_hash
    text_*, name_*, call_*: postings of the words, of the words of the units' names, and of the names called: `hash`
                of each form or name, rising; `at`, its first posting, and the end; `unit`; and `times`
    imports     what each file imports, tab-separated, one file a line
"""

from array import array
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from agents.index.arrays import Ints, Mask, changes
from agents.index.hashing import Hashes, hashes
from agents.index.parse import Parsed, parse
from agents.index.unit import KINDS
from agents.index.vocabulary import Vocabulary
from agents.index.words import WORD

Columns = dict[str, bytes]
MOST_TIMES = 255


@dataclass(frozen=True, slots=True)
class Source:
    """One file to index. `data` is UTF-8."""

    blob: str
    language: str
    data: bytes


class _Field:
    """Words of one field as they come: their numbers in a row, and how many each piece has."""

    def __init__(self) -> None:
        self._words = array("I")
        self._owners = array("I")
        self._ends = array("I")

    def add(self, owner: int, words: Iterable[int]) -> None:
        self._words.extend(words)
        self._owners.append(owner)
        self._ends.append(len(self._words))

    def pairs(self) -> "_Pairs":
        words = np.frombuffer(self._words, np.uint32)
        ends = np.frombuffer(self._ends, np.uint32).astype(np.int64)
        owners = np.repeat(np.frombuffer(self._owners, np.uint32), ends - np.append(0, ends)[:-1])
        bits = int(words.max(initial=0)).bit_length()
        small = int(owners.max(initial=0)).bit_length() + bits <= 32  # half the bytes are sorted in half the time
        packed = np.sort(np.left_shift(owners, bits, dtype=np.uint32 if small else np.uint64) | words)
        first = np.flatnonzero(changes(packed))
        pairs = packed[first].astype(np.int64)
        times = np.minimum(np.diff(first, append=len(packed)), MOST_TIMES)
        return _Pairs(pairs & ((1 << bits) - 1), pairs >> bits, times)


@dataclass(frozen=True, slots=True)
class _Pairs:
    """How often each key is in each unit; by unit."""

    key: Ints
    unit: Ints
    times: Ints  # at most MOST_TIMES

    def __getitem__(self, chosen: Ints | Mask) -> "_Pairs":
        return _Pairs(self.key[chosen], self.unit[chosen], self.times[chosen])


def build_segment(sources: Iterable[Source], vocabulary: Vocabulary) -> Columns:
    """The segment of these files, as columns."""
    text, name = _Field(), _Field()
    number = vocabulary.numbers.__getitem__
    files: list[tuple[Source, Parsed]] = []
    first = [0]
    for source in sources:
        parsed = parse(source.language, source.data)
        for owner, start, end in parsed.pieces:
            text.add(first[-1] + owner, map(number, WORD.findall(source.data, start, end)))
        for place, unit in enumerate(parsed.units):
            name.add(first[-1] + place, map(number, WORD.findall(unit.name.encode())))
        first.append(first[-1] + len(parsed.units))
        files.append((Source(source.blob, source.language, b""), parsed))
    vocabulary.learn()
    return (
        _file_columns(files, first)
        | _text_columns(text, vocabulary, first[-1])
        | _name_columns(name, vocabulary, first[-1])
    )


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
        "lines": array("I", [parsed.units[0].last for _, parsed in files]).tobytes(),
        "file_units": array("I", first).tobytes(),
        "imports": _lines("\t".join(parsed.imports) for _, parsed in files),
        "unit_line": array("I", [unit.line for unit in units]).tobytes(),
        "unit_last": array("I", [unit.last for unit in units]).tobytes(),
        "unit_kind": bytes([KINDS.index(unit.kind) for unit in units]),
        "unit_parent": array("i", parents).tobytes(),
        "unit_names": _lines(unit.name for unit in units),
        "unit_name_hash": hashes([unit.name.encode() for unit in units]).tobytes(),
        "unit_docs": _lines(unit.doc for unit in units),
        "unit_bases": _lines("\t".join(unit.bases) for unit in units),
    }


def _lines(values: Iterable[str]) -> bytes:
    return "\n".join([value.replace("\n", " ") for value in values]).encode()


def _text_columns(field: _Field, vocabulary: Vocabulary, units: int) -> Columns:
    words = field.pairs()
    form, place = vocabulary.forms_of(words.key)
    indexed = words[vocabulary.has_forms[words.key]]
    calls = words[vocabulary.call_hash[words.key] > 0]
    columns = _postings("text", form, vocabulary.form_hash, words[place])
    columns |= _postings("call", calls.key, vocabulary.call_hash, calls)
    length = np.bincount(indexed.unit, indexed.times, units).astype(np.uint32)
    return columns | {"unit_length": length.tobytes()}


def _name_columns(field: _Field, vocabulary: Vocabulary, units: int) -> Columns:
    words = field.pairs()
    form, place = vocabulary.forms_of(words.key)
    parts = np.bincount(words.unit[place][vocabulary.is_stem[form]], minlength=units)
    columns = _postings("name", form, vocabulary.form_hash, words[place])
    return columns | {"unit_name_parts": np.minimum(parts, MOST_TIMES).astype(np.uint8).tobytes()}


def _postings(name: str, keys: Ints, hash_of: Hashes, where: _Pairs) -> Columns:
    """Compressed rows, by the hash of the key: for each key the units it is in, and how often."""
    found = np.zeros(len(hash_of), np.bool_)
    found[keys] = True
    different = np.flatnonzero(found)
    different = different[np.argsort(hash_of[different])]
    rank = np.zeros(len(hash_of), np.min_scalar_type(len(different)))  # 16 bits are sorted by radix
    rank[different] = np.arange(len(different))
    order = np.argsort(rank[keys], kind="stable")
    key, unit = rank[keys][order], where.unit[order]
    first = np.flatnonzero(changes(key) | changes(unit))
    times = np.add.reduceat(where.times[order], first) if len(first) else where.times
    return {
        f"{name}_hash": hash_of[different].tobytes(),
        f"{name}_at": np.searchsorted(key[first], np.arange(len(different) + 1)).astype(np.uint32).tobytes(),
        f"{name}_unit": unit[first].astype(np.uint32).tobytes(),
        f"{name}_times": np.minimum(times, MOST_TIMES).astype(np.uint8).tobytes(),
    }
