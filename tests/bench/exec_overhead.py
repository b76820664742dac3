"""What one command costs: through the open channel, by the SDK's exec_run, by `docker exec` on the command line.

All ways take turns in one run, with `true` as the command, in one container. Exit status 1 if the channel's median
is above the promise. Usage: python tests/bench/exec_overhead.py [ROUNDS]
"""

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import docker

sys.path.insert(0, str(Path(__file__).parent.parent))

from docker_image import find_image

from sandbox.docker import DockerSandbox

PROMISE = 3.0  # milliseconds, median
ROUNDS = 40
PER_ROUND = 10  # commands through the channel in a round, against one by each of the others


def milliseconds(run: Callable[[], object]) -> float:
    began = time.perf_counter()
    run()
    return 1000 * (time.perf_counter() - began)


def main(rounds: int) -> int:
    client = docker.from_env()
    times: dict[str, list[float]] = {"channel": [], "attested": [], "sdk exec_run": [], "docker exec": [], "host": []}
    with DockerSandbox(find_image()) as sandbox:
        container = client.containers.list(filters={"label": "solve.owner"})[0]
        argv = ["docker", "exec", "--user", "1000:1000", container.id, "true"]
        sandbox.exec(["true"])
        for _ in range(rounds):
            times["channel"] += [milliseconds(lambda: sandbox.exec(["true"])) for _ in range(PER_ROUND)]
            times["sdk exec_run"].append(milliseconds(lambda: container.exec_run(["true"], user="1000:1000")))
            times["docker exec"].append(milliseconds(lambda: subprocess.run(argv, check=True)))
            times["host"].append(milliseconds(lambda: subprocess.run(["true"], check=True)))
        for _ in range(rounds):
            times["attested"].append(milliseconds(lambda: sandbox.exec(["true"], attested=True)))
    client.close()
    channel = statistics.median(times["channel"])
    for way, taken in times.items():
        deciles = statistics.quantiles(taken, n=10)
        median = statistics.median(taken)
        row = {"way": way, "median_ms": round(median, 2), "p90_ms": round(deciles[-1], 2), "n": len(taken)}
        print(json.dumps({**row, "times_the_channel": round(median / channel, 1)}))
    if channel > PROMISE:
        print(f"the channel takes {channel:.2f} ms, more than {PROMISE} ms", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS))
