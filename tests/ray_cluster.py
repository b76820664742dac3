"""A Ray cluster on this machine, as a program: two nodes of four slots. `kill` on its input kills one of them.

ray_cluster.py → prints the head's address; ends when its input does
"""

import sys


def main() -> None:
    import ray
    from ray.cluster_utils import Cluster

    # Named explicitly: of 127.0.0.1 Ray makes the outward address, and does not find what listens on loopback.
    here = {"node_ip_address": ray.util.get_node_ip_address()}
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False, **here})
    nodes = [cluster.add_node(num_cpus=2, resources={"solve_slots": 4}, **here) for _ in range(2)]
    print(cluster.address, flush=True)
    for line in sys.stdin:
        if line.strip() == "kill":
            cluster.remove_node(nodes.pop(), allow_graceful=False)
            print("killed", flush=True)
    cluster.shutdown()


if __name__ == "__main__":
    main()
