"""The contract of what does the work of a batch: threads of this program, or another machine."""

from typing import Protocol

from tasks.planned import Job, Planned
from tasks.results import Result
from tasks.watched import Watched


class Work(Protocol):
    """What is done to an attempt, on this machine or another. Raises what `cause_of` knows."""

    def container(self, job: Job) -> bool:
        """Whether it needs one."""
        ...

    def solve(self, job: Job, watched: Watched) -> Result:
        """The attempt with its patch and cost, without a verdict. `early` says what ended it before its time."""
        ...

    def grade(self, job: Job, watched: Watched) -> Result:
        """`job.solved` with its verdict."""
        ...

    def so_far(self, planned: Planned) -> Result:
        """What an attempt that was ended has: its best patch, if it offered one, and what it cost."""
        ...
