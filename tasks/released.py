"""A row that names two releases by hash → the same row with its answer, computed when it is needed.

So a benchmark of released packages holds names, hashes and words, and no line of anybody's code: the base is the tree
of the release with the bug, the answer what the next release changed in its source, the hidden tests those of the next.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from pydantic import BaseModel, ConfigDict, Field

from sandbox.api import BadInput
from sandbox.git import HostGit
from sandbox.release import Release, head, open_release
from tasks.parts import Parts, parts
from tasks.row import Row

AT_ONCE = 8  # archives that are fetched


class Pinned(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    version: str
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class Pair(BaseModel):
    """What a row has in its field `release`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    package: str
    before: Pinned
    after: Pinned

    @property
    def base(self) -> Release:
        return Release(self.package, self.before.version, self.before.sha256)

    @property
    def fixed(self) -> Release:
        return Release(self.package, self.after.version, self.after.sha256)


@dataclass(frozen=True, slots=True)
class Opened:
    base_commit: str
    parts: Parts


def opened(pair: Pair) -> Opened:
    """Both archives, fetched if they are not kept, and what lies between them.

    Raises:
        BadInput: an archive cannot be used.
        NetworkUnavailable: an archive cannot be had.
    """
    before, after = open_release(pair.base), open_release(pair.fixed)
    git = HostGit(before, alternates=(after / "objects",))
    base = head(before)
    return Opened(base, parts(git, base, head(after), source_only=True))


def with_answers(rows: Sequence[Row], pairs: dict[str, Pair]) -> list[Row]:
    """The rows, those that have a pair with the answer that it gives. Raises as `opened`."""
    wanted = [row for row in rows if row.task.id in pairs]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answered = list(pool.map(lambda row: _answered(row, pairs[row.task.id]), wanted))
    by_id = {row.task.id: row for row in answered}
    return [by_id.get(row.task.id, row) for row in rows]


def _answered(row: Row, pair: Pair) -> Row:
    found = opened(pair)
    if row.task.base_commit not in ("", found.base_commit):
        raise BadInput(f"row {row.task.id}: its base_commit is not that of {pair.package} {pair.before.version}")
    return replace(
        row,
        task=replace(row.task, repository=pair.base.address, base_commit=found.base_commit),
        setup=replace(row.setup, environment_commit=found.base_commit),
        answer=replace(row.answer, patch=found.parts.patch, test_patch=found.parts.test_patch),
    )
