"""The program `solve`."""

import signal
import sys
from functools import partial

import typer

from agents.run.door import at_the_door
from sandbox.signals import give_defaults


def main() -> None:
    """SIGTERM ends it as Ctrl-C does, so that sandboxes are closed on the way out."""
    give_defaults()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    arguments = sys.argv[1:]
    sys.exit(at_the_door(partial(_commands(arguments), standalone_mode=False), as_json="--json" in arguments))


def _commands(arguments: list[str]) -> typer.Typer:
    """All commands; of `solve index`, whose queries last no longer than the others take to import, itself alone."""
    if arguments[:1] != ["index"]:
        from agents.run.commands import app

        return app
    from agents.run import index

    alone = typer.Typer(pretty_exceptions_enable=False, add_completion=False)
    alone.add_typer(index.app, name="index")
    return alone
