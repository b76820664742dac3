"""Scripted team runs side by side in one process, which prints its peak memory in MB: team_memory.py FOLDER URL N."""

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from team_site import World

from agents.run.team import Choices, find_solver
from tasks.limits import Allowance


def main() -> None:
    folder, url, count = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])

    def run(number: int) -> str:
        world = World(folder / str(number))
        choices = Choices(base_url=url)
        solver = find_solver("scripted", choices, Allowance(tokens=10_000_000), {}, folder / f"cache{number}", {})
        return solver.solve(world.task(), world.site()).ended

    with ThreadPoolExecutor(count) as pool:
        ended = set(pool.map(run, range(count)))
    assert ended == {"patched"}, ended
    # Not ru_maxrss: that of a new program begins with what the one had that started it.
    status = Path("/proc/self/status").read_text()
    print(int(status.partition("VmHWM:")[2].split()[0]) // 1024)


if __name__ == "__main__":
    main()
