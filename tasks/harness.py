"""How the tests of a row are run, and how what they print becomes statuses by the dataset's own names."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from sandbox.testlog import Status, TestCase

# A log parser of the field: what a runner printed → its word for each test.
Parser = Callable[[str], Mapping[str, str]]

WORDS: Mapping[str, Status] = MappingProxyType(
    {"PASSED": "passed", "FAILED": "failed", "ERROR": "error", "SKIPPED": "skipped", "XFAIL": "xfailed"}
)
_WORD_OF = {status: word for word, status in WORDS.items()}
_WORST_LAST: tuple[Status, ...] = ("passed", "xfailed", "skipped", "failed", "error")


@dataclass(frozen=True, slots=True)
class Harness:
    """`command` is a shell line that `files` are appended to."""

    command: str
    files: tuple[str, ...]
    parser: Parser
    structured: bool  # the runner is pytest: our reporter is read, and the parser only shortens names
    timeout: float = 1800.0  # seconds, as SWE-bench's own

    def read(self, found: Iterable[TestCase] | str, wanted: Iterable[str]) -> dict[str, Status]:
        """The status of each wanted test, without those that did not run.

        Datasets cut names as their log parser did (at the first space; pylint's absolute paths). Structured names are
        cut the same way, by the same parser; where several fall together the worst of them counts.
        """
        if isinstance(found, str):
            words = self.parser(found)
            return {name: WORDS[words[name]] for name in wanted if words.get(name, "") in WORDS}
        cases = sorted((case for case in found if case.status in _WORST_LAST), key=_worst_last)
        words = self.parser("\n".join(f"{_WORD_OF[case.status]} {case.id}" for case in cases))
        named = {name: words.get(next(iter(self.parser(f"PASSED {name}")), name), "") for name in wanted}
        return {name: WORDS[word] for name, word in named.items() if word in WORDS}


def whole_names(text: str) -> dict[str, str]:
    """A parser that cuts nothing, for suites whose names are pytest's own."""
    pairs = (line.partition(" ") for line in text.splitlines())
    return {name: word for word, _, name in pairs if word in WORDS and name}


def _worst_last(case: TestCase) -> int:
    return _WORST_LAST.index(case.status)
