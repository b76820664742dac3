"""No test reaches beyond this machine, or calls a real model, unless `--live` is given."""

import ipaddress
import os
import sys
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from sandbox.signals import give_defaults

# How long an example takes says how busy the machine is.
settings.register_profile("solve", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("solve")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--live", action="store_true", help="let tests marked live reach real servers, and pay for them")


def pytest_configure(config: pytest.Config) -> None:
    give_defaults()  # a gate that runs in the background ignores SIGINT
    if config.getoption("--live"):
        return
    os.environ["SOLVE_OFFLINE"] = "1"  # for the programs that tests start
    sys.addaudithook(refuse_outside)


def refuse_outside(event: str, arguments: tuple[Any, ...]) -> None:
    """An audit hook: it cannot be taken off, and holds for every library."""
    if event != "socket.connect" or not isinstance(arguments[1], tuple):
        return
    host = str(arguments[1][0])
    try:
        inside = ipaddress.ip_address(host).is_loopback
    except ValueError:
        inside = host == "localhost"
    if not inside:
        raise RuntimeError(f"a test tries to reach {host}: give --live if it is meant to")
