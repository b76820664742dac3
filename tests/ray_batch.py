"""A batch of sleeping tasks on a Ray cluster, as a driver to be killed: ray_batch.py FOLDER ADDRESS TASKS SECONDS."""

import sys
import time
from functools import partial
from pathlib import Path

from bench_work import Floor, ScriptedWork, planned

from agents.run.grading import Options
from agents.run.ray_node import Recipe
from agents.run.ray_work import Cluster, RayWork
from tasks.bench import Crew
from tasks.history import History
from tasks.ledger import read
from tasks.planned import Job
from tasks.watched import Watched
from tasks.work import Work


def sleeping(seconds: float, starts: Path, recipe: Recipe, folder: Path) -> Work:
    """What a node does: it sleeps, and leaves a mark for each start."""

    def solve(job: Job, watched: Watched) -> None:
        with starts.open("a") as file:
            file.write(f"{job.planned}\n")
        time.sleep(seconds)

    return ScriptedWork(solve)


def main() -> None:
    folder, address, tasks, seconds = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
    options = Options("rows", "", "", "", None, None, "", 0, None, False)
    make = partial(sleeping, seconds, folder / "starts")
    recipe = Recipe(folder.name, options, str(folder / "share"), (), None, 60.0, make)
    folder.mkdir(exist_ok=True)
    cluster = Cluster(address)
    done = (
        {key for key, standing in History.of(read(folder).lines).standings.items() if standing.done}
        if (folder / "ledger.jsonl").exists()
        else set()
    )
    jobs = [Job(each, "solve") for each in (planned(f"r{number}") for number in range(tasks)) if each.key not in done]
    print(f"{len(jobs)} to do", flush=True)
    began = time.monotonic()
    floor = Floor(folder, RayWork(cluster, recipe, folder), crew=Crew(cluster.slots - 2, 2))  # type: ignore[arg-type]
    history = floor.run(jobs)
    print(f"{sum(each.done for each in history.standings.values())} in {time.monotonic() - began:.1f} s", flush=True)


if __name__ == "__main__":
    main()
