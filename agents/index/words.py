"""Words of code and prose, and the forms in which one word can answer another.

The index keeps raw words, as written; `forms` says what each can be found by. So case, camelCase and snake_case parts
and stems cost once per different word of a batch, not once per occurrence.
"""

import importlib.resources
import re
from functools import cache, lru_cache

# A word that stands before a parenthesis keeps it: "solve(" is a call of solve. Single letters say nothing.
WORD = re.compile(rb"[A-Za-z_\x80-\xff][\w\x80-\xff]+\(?")
PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W\d_a-zA-Z]+")
STEM_MARK = "~"  # a stem is looked up by this mark and itself
LONGEST = 64  # characters; longer words are data

# The longest suffix that leaves four letters is cut; of a plural or a final e or y three are enough.
SUFFIXES = frozenset(
    (
        *("ization", "izations", "ational", "ation", "ations", "ator", "ators", "ating", "ated", "ate", "ates"),
        *("ment", "ments", "ing", "ings", "ity", "ities", "ive", "ives", "able", "ables", "ible", "ibles", "ness"),
        *("ion", "ions", "er", "ers", "or", "ors", "ies", "ied", "es", "ed", "ly"),
    )
)
LONGEST_SUFFIX = max(map(len, SUFFIXES))
DOUBLED = frozenset(letter * 2 for letter in "bcdfghijkmnpqrtvwxyz")


@cache
def stop_words() -> frozenset[str]:
    return frozenset((importlib.resources.files("agents.index") / "stop_words.txt").read_text().split())


@lru_cache(maxsize=1 << 17)
def stem(word: str) -> str:
    """The word without its suffix, and without a consonant that the suffix doubled.

    >>> stem("mappings"), stem("raised"), stem("raises"), stem("plotting"), stem("bus")
    ('mapp', 'rais', 'rais', 'plot', 'bus')
    """
    for length in range(min(LONGEST_SUFFIX, len(word) - 4), 1, -1):
        if word[-length:] in SUFFIXES:
            base = word[:-length]
            break
    else:
        if len(word) < 4 or word[-1] not in "sey":
            return word
        base = word[:-1]
    return base[:-1] if len(base) > 4 and base[-2:] in DOUBLED else base


@lru_cache(maxsize=1 << 18)
def forms(word: str) -> tuple[str, ...]:
    """What a word can be found by: itself in lower case, its parts, and the stems of its parts behind `STEM_MARK`.

    >>> forms("MatrixSymbols")
    ('matrixsymbols', 'matrix', 'symbols', '~matrix', '~symbol')
    """
    if len(word) > LONGEST:
        return ()
    plain = plain_forms(word)
    return (*plain, *stem_forms(plain))


def plain_forms(word: str) -> tuple[str, ...]:
    """The word in lower case, then its camelCase and snake_case parts; without stop words and single letters."""
    stop = stop_words()
    whole = word.lower()
    if whole == word and word.isascii() and word.isalpha():  # most words have no parts
        return (whole,) if len(whole) > 1 and whole not in stop else ()
    whole = whole.strip("_")
    if len(whole) < 2 or whole in stop:
        return ()
    parts = [part.lower() for part in PART.findall(word)]
    kept = [part for part in dict.fromkeys(parts) if len(part) > 1 and part not in stop]
    return (whole, *kept) if len(parts) > 1 else (whole,)


def stem_forms(plain: tuple[str, ...]) -> tuple[str, ...]:
    """Stems of the parts, or of the whole where it has none."""
    if len(plain) < 3:
        return (STEM_MARK + stem(plain[-1]),) if plain else ()
    return tuple(dict.fromkeys([STEM_MARK + stem(part) for part in plain[1:]]))
