"""`--executor ray`: the stages of attempts as tasks of a Ray cluster. The driver's ledger alone says what was done."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from agents.run.attempt import attempt_folder
from agents.run.grading import log_name
from agents.run.ray_node import Brought, Recipe, do, unpacked
from sandbox.api import BadInput
from tasks.causes import EndedEarly
from tasks.ledger import Key
from tasks.limits import Amount
from tasks.planned import Job, Planned
from tasks.results import Result
from tasks.rundir import replaced
from tasks.watched import Watched

SLOT = "solve_slots"  # the resource that a node offers, one for each attempt that it bears
LOOK = 1.0  # seconds between two looks at whether an attempt was ended
RETRIES = 3  # by Ray itself, of a task whose machine was lost


class Cluster:
    """A connection to a cluster; use as a context manager."""

    def __init__(self, address: str) -> None:
        """
        Raises:
            BadInput: Ray is not installed, there is no cluster, or no node of it offers a slot.
        """
        try:
            import ray
        except ImportError as error:
            raise BadInput("Ray is not installed: pip install 'solve[ray]', on every node") from error
        try:
            ray.init(address=address or "auto", log_to_driver=False, logging_level="ERROR")
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise BadInput(f"no Ray cluster answers at {address or 'this machine'}: {error}") from error
        self._ray = ray
        self.slots = int(ray.cluster_resources().get(SLOT, 0))
        if not self.slots:
            self.close()
            raise BadInput(f"no node offers {SLOT}: start them with --resources='{{\"{SLOT}\": N}}', see docs/scale.md")

    def close(self) -> None:
        self._ray.shutdown()

    def task(self, recipe: Recipe) -> Callable[[Job], Any]:
        """Starts one stage of an attempt somewhere; gives the promise of what it brings."""
        remote = self._ray.remote(num_cpus=0, resources={SLOT: 1}, max_retries=RETRIES)(do)
        shared = self._ray.put(recipe)
        return lambda job: remote.remote(shared, job)

    def wait(self, promise: Any, watched: Watched) -> Brought:
        """What a task brings.

        Raises:
            EndedEarly: it was ended, or its machine was lost.
        """
        from ray.exceptions import RayError, RayTaskError, TaskCancelledError

        while not self._ray.wait([promise], timeout=LOOK)[0]:
            if watched.ended is not None:
                self._ray.cancel(promise, force=True)
                watched.check()
        try:
            found: Brought = self._ray.get(promise)
        except RayTaskError:
            raise  # a bug of `do`
        except TaskCancelledError as error:
            raise EndedEarly("cancelled", "the task was cancelled") from error
        except RayError as error:
            raise EndedEarly("node", str(error).strip().splitlines()[0]) from error
        return found


class RayWork:
    """The work of a batch on a cluster. Safe to share between threads."""

    def __init__(self, cluster: Cluster, recipe: Recipe, folder: Path) -> None:
        self._cluster, self._folder = cluster, folder
        self._task = cluster.task(recipe)
        self._so_far: dict[Key, Result] = {}

    def container(self, job: Job) -> bool:
        """None of this machine's: nodes have their own."""
        del job
        return False

    def solve(self, job: Job, watched: Watched) -> Result:
        brought = self._brought(job, watched)
        if brought.folder:
            unpacked(brought.folder, attempt_folder(self._folder, job.planned.key))
        watched.budget.reserve(Amount()).settle(brought.used)
        return self._result(job, brought)

    def grade(self, job: Job, watched: Watched) -> Result:
        brought = self._brought(job, watched)
        if brought.log:
            replaced(self._folder / "logs" / log_name(brought.result), brought.log)
        return self._result(job, brought)

    def so_far(self, planned: Planned) -> Result:
        return self._so_far.get(planned.key, planned.unsolved)

    def _brought(self, job: Job, watched: Watched) -> Brought:
        watched.text = "on the cluster"
        brought = self._cluster.wait(self._task(job), watched)
        watched.text = f"done by {brought.node}"
        return brought

    def _result(self, job: Job, brought: Brought) -> Result:
        if brought.early is None:
            return brought.result
        self._so_far[job.planned.key] = brought.result
        raise EndedEarly(brought.early, f"{brought.node}: {brought.reason}")
