"""One scripted team run as a program of its own, to be killed: team_process.py FOLDER URL [docker IMAGE]."""

import sys
from pathlib import Path

from team_site import World, solver


def main() -> None:
    folder, url = Path(sys.argv[1]), sys.argv[2]
    world = World(folder)
    print("working", flush=True)
    attempt = solver(url, folder / "kept").solve(world.task(), world.site())
    (folder / "patch.diff").write_bytes(attempt.patch)
    print(attempt.ended, flush=True)


if __name__ == "__main__":
    main()
