"""Names that tests share: the second is told from the first."""

from collections import Counter
from collections.abc import Iterable


def numbered(names: Iterable[str]) -> list[str]:
    seen: Counter[str] = Counter()
    found = []
    for name in names:
        seen[name] += 1
        found.append(name if seen[name] == 1 else f"{name} #{seen[name]}")
    return found
