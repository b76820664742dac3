"""What an issue names: words with their weight, identifiers, paths, frames of a traceback."""

import math
import re
from collections import Counter
from dataclasses import dataclass

from agents.index.words import plain_forms, stem_forms, stop_words

LONGEST = 60_000  # characters of an issue that are read
LEAD = 600  # characters of prose, title included
MOST_FORMS = 400  # different words that are looked up: the heaviest

# An issue is hostile: a pattern starts only where a word does, so that none takes quadratic time.
WORD = re.compile(r"[^\W\d]\w*")
CODE = re.compile(
    r"```.*?(?:```|\Z)|`[^`\n]+`|^(?: {4}|\t)\S.*$|^(?:>>>|\.\.\.|In ?\[\d+\]:).*$", re.DOTALL | re.MULTILINE
)
PATH = re.compile(r"(?<![\w./+-])[\w./+-]+\.(?:pyx?|[jt]sx?|go|rs|java|cc?|cpp|hh?|hpp|cs|rb|php|kt|swift|scala)\b")
FRAME = re.compile(
    r'File "([^"\n]+)", line (\d+)(?:, in ([\w<>.]+))?|^([\w/.+-]+\.py):(\d+):(?: in ([\w<>.]+))?', re.MULTILINE
)
CODE_LIKE = re.compile(r"_|[a-z\d][A-Z]|[A-Z][A-Z\d]+[a-z]|^[A-Z][a-z]+[A-Z]")
CALLED = re.compile(r"\b([^\W\d]\w*)\(")
URL = re.compile(r"https?://\S+")
COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)  # of issue templates


@dataclass(frozen=True, slots=True)
class Frame:
    path: str
    line: int
    function: str


@dataclass(frozen=True, slots=True)
class Mentions:
    """Weights are 1 + ln(times). Forms are those of `words.forms`; stems carry their mark."""

    title: dict[str, float]
    lead: dict[str, float]  # the first lines of prose
    prose: dict[str, float]  # what is not code
    code: dict[str, float]  # code spans, examples and tracebacks
    body: dict[str, float]  # all
    identifiers: dict[str, float]  # as written: 1 for what looks like code, 0.5 in the title, less for any other word
    title_identifiers: frozenset[str]
    called: frozenset[str]  # names that stand before a parenthesis
    paths: tuple[str, ...]
    frames: tuple[Frame, ...]  # outermost first


def read_issue(text: str) -> Mentions:
    """Mentions of an issue: its first line is the title."""
    text = URL.sub(_last_of_url, COMMENT.sub(" ", text[:LONGEST].replace("\r", "")))
    title, _, _ = text.strip().partition("\n")
    spans = "\n".join(CODE.findall(text))
    in_code = set(WORD.findall(spans))
    prose = CODE.sub(" ", FRAME.sub(" ", text))
    title_words = set(WORD.findall(title))
    identifiers = {
        word: 1.0 if CODE_LIKE.search(word) or word in in_code else 0.5 if word in title_words else 0.25
        for word in WORD.findall(text)
        if len(word) > 2 and word.lower() not in stop_words()
    }
    return Mentions(
        title=_weights(title),
        lead=_weights(prose[:LEAD]),
        prose=_weights(prose),
        code=_weights(spans),
        body=_weights(text),
        identifiers=identifiers,
        title_identifiers=frozenset(title_words),
        called=frozenset(CALLED.findall(text)),
        paths=tuple(dict.fromkeys(path.lstrip("./") for path in PATH.findall(text))),
        frames=tuple(_frames(text)),
    )


def _last_of_url(match: re.Match[str]) -> str:
    """Of a link only the path in a repository says something: `.../blob/<commit>/sphinx/ext/doc.py#L12`."""
    _, _, path = match[0].partition("/blob/")
    return path.partition("/")[2].partition("#")[0]


def _weights(text: str) -> dict[str, float]:
    counts: Counter[str] = Counter()
    for word, times in Counter(WORD.findall(text)).items():
        plain = plain_forms(word)
        for form in plain:
            counts[form] += times
        for form in stem_forms(plain):
            counts[form] += times
    heaviest = counts.most_common(MOST_FORMS * 2)
    return {form: 1.0 + math.log(times) for form, times in heaviest}


def _frames(text: str) -> list[Frame]:
    return [
        Frame(path or other, int(line or other_line), function or other_function or "")
        for path, line, function, other, other_line, other_function in FRAME.findall(text)
    ]
