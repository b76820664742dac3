"""One scripted team run as a program of its own, to be killed: team_process.py FOLDER URL [IMAGE-REF RUN]."""

import sys
from pathlib import Path

from team_site import World, solver

from sandbox import janitor
from sandbox.api import Image, Owner


def main() -> None:
    folder, url = Path(sys.argv[1]), sys.argv[2]
    if len(sys.argv) > 3:
        janitor.clean()  # as every start of `solve run` does
        image = Image("docker", sys.argv[3], "/testbed", {"PYTHONPATH": "/opt/library"})
        world = World(folder, docker=image, owner=Owner(sys.argv[4], "t"))
    else:
        world = World(folder)
    print("working", flush=True)
    attempt = solver(url, folder / "kept").solve(world.task(), world.site())
    (folder / "patch.diff").write_bytes(attempt.patch)
    print(attempt.ended, flush=True)


if __name__ == "__main__":
    main()
