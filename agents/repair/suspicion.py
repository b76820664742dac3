"""How suspicious a line is: Ochiai over the lines that each test ran."""

import math
from collections import Counter
from collections.abc import Iterable, Set

Line = tuple[str, int]  # path, number


def ochiai(failing: Iterable[Set[Line]], passing: Iterable[Set[Line]]) -> dict[Line, float]:
    """Lines that a failing test ran → 0 to 1.

    failed(line) / sqrt(all failed · (failed(line) + passed(line))): Ochiai, "Zoogeographic studies on the soleoid
    fishes found in Japan", 1957; for programs: Abreu, Zoeteweij and van Gemund, "On the accuracy of spectrum-based
    fault localization", 2007.
    """
    failing = list(failing)
    failed = Counter(line for lines in failing for line in lines)
    passed = Counter(line for lines in passing for line in lines)
    return {line: count / math.sqrt(len(failing) * (count + passed[line])) for line, count in failed.items()}


def normalised(scores: dict[Line, float]) -> dict[Line, float]:
    """The same with the highest at 1."""
    most = max(scores.values(), default=0.0)
    return {line: score / most for line, score in scores.items()} if most else {}
