"""Calls of those QuixBugs programs that take a graph or a linked list: made by chance, the same ones each time."""

import itertools
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

COUNT = 100  # calls of each program
MOST_NODES = 8
Edges = dict[tuple[Any, Any], int]


@dataclass(unsafe_hash=True)
class Node:
    """What the programs read of one. Copies are equal, so that what two programs made of two copies can be compared."""

    value: int  # no other node of a call has it
    successor: "Node | None" = field(default=None, compare=False)
    successors: list["Node"] = field(default_factory=list, compare=False)
    incoming_nodes: list["Node"] = field(default_factory=list, compare=False)
    outgoing_nodes: list["Node"] = field(default_factory=list, compare=False)


def links(value: Any) -> dict[Node, tuple[Any, ...]]:
    """All nodes that can be reached from `value`, with what each points to."""
    found: dict[Node, tuple[Any, ...]] = {}
    left = [value]
    while left:
        item = left.pop()
        if isinstance(item, Node) and item not in found:
            found[item] = (item.successor, item.successors, item.incoming_nodes, item.outgoing_nodes)
            left += found[item]
        elif isinstance(item, list | tuple | set | dict):
            left += item
    return found


def calls(program: str) -> Iterator[list[Any]]:
    """Lists of arguments; none for a program that takes neither."""
    chance = random.Random(0)
    if program in MADE:
        for _ in range(COUNT):
            yield MADE[program](chance)


def reached(chance: random.Random) -> list[Any]:
    """Two nodes of a directed graph, which may have loops and parts that are not connected."""
    nodes = [Node(number) for number in range(chance.randint(1, MOST_NODES))]
    for node in nodes:
        node.successors = chance.sample(nodes, min(len(nodes), chance.choice([0, 1, 1, 2, 3])))
    return [chance.choice(nodes), chance.choice(nodes)]


def measured(chance: random.Random) -> list[Any]:
    """The same with lengths."""
    start, goal = reached(chance)
    edges = [(node, other) for node in links(start) for other in node.successors]
    return [weighted(chance, edges), start, goal]


def ordered(chance: random.Random) -> list[Any]:
    """The nodes of a directed graph without cycles, in any order."""
    nodes = [Node(number) for number in range(chance.randint(1, MOST_NODES))]
    for number, node in enumerate(nodes):
        for other in nodes[number + 1 :]:
            if chance.random() < 0.4:
                node.outgoing_nodes.append(other)
                other.incoming_nodes.append(node)
    chance.shuffle(nodes)
    return [nodes]


def listed(chance: random.Random) -> Node:
    """The head of a linked list."""
    nodes = [Node(number) for number in range(chance.randint(1, MOST_NODES))]
    for node, following in itertools.pairwise(nodes):
        node.successor = following
    return nodes[0]


def perhaps_cyclic(chance: random.Random) -> list[Any]:
    head = listed(chance)
    if chance.random() < 0.5:
        nodes = list(links(head))
        nodes[-1].successor = chance.choice(nodes)
    return [head]


def connected(chance: random.Random) -> tuple[int, Edges]:
    """The number of nodes, and the edges between their numbers."""
    count = chance.randint(2, MOST_NODES)
    ring = [(node, (node + 1) % count) for node in range(count)] if count > 2 else [(0, 1), (1, 0)]
    more = [(a, b) for a in range(count) for b in range(count) if a < b and chance.random() < 0.4]
    return count, weighted(chance, [*ring, *more])


def weighted(chance: random.Random, edges: list[tuple[Any, Any]]) -> Edges:
    """No two weights are the same."""
    unique = list(dict.fromkeys(edges))
    return dict(zip(unique, chance.sample(range(1, 100), len(unique)), strict=True))


MADE: Mapping[str, Callable[[random.Random], list[Any]]] = {
    "breadth_first_search": reached,
    "depth_first_search": reached,
    "detect_cycle": perhaps_cyclic,
    "minimum_spanning_tree": lambda chance: [connected(chance)[1]],
    "reverse_linked_list": lambda chance: [listed(chance) if chance.random() < 0.9 else None],
    "shortest_path_length": measured,
    "shortest_path_lengths": lambda chance: list(connected(chance)),
    "shortest_paths": lambda chance: [0, connected(chance)[1]],
    "topological_ordering": ordered,
}
