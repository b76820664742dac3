"""The pytest plugin: takes over the loop that runs tests. Loaded through PYTEST_PLUGINS, before any conftest."""

from __future__ import annotations

import importlib
from typing import Any

import pytest

from solve_repair import forks, survey
from solve_repair.plan import Out, Plan, first, following
from solve_repair.running import Runner
from solve_repair.search import Search
from solve_repair.ticks import Ticks
from solve_repair.workers import Bench, through
from solve_repair.zygote import Role, Zygote, start


class Session:
    """One run of this plugin."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.runner = Runner()
        self.problems: list[str] = []
        self.zygote: Zygote | None = None
        self.role: Role | None = None
        self.survey: survey.Survey | None = None

    def begin(self) -> None:
        self.zygote, self.role = start()
        if self.role is None:
            self.survey = survey.Survey(self.plan)

    @pytest.hookimpl(hookwrapper=True)
    def pytest_cmdline_main(self, config: pytest.Config) -> Any:
        # pytest-xdist would hand the tests to processes of its own.
        if hasattr(config.option, "numprocesses"):
            config.option.numprocesses = 0
            config.option.dist = "no"
            config.option.tx = []
        yield

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.problems.append(f"{report.nodeid}: {str(report.longrepr)[-1000:]}")

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        items = {item.nodeid: item for item in session.items}
        session.config.pluginmanager.register(self.runner)
        if self.role is not None:
            self._play(self.role, items)
        else:
            assert self.survey is not None
            assert self.zygote is not None
            ran = survey.run(self.survey, self.plan, self.runner, items, self.problems, Out(self.plan.out))
            plan = following(self.plan)
            if plan is not None:
                for name in plan.modules:
                    _import(name)
                Search(Bench(plan, self.runner, items, ran), self.zygote, Out(plan.out)).run()
        return True

    def _play(self, role: Role, items: dict[str, pytest.Item]) -> None:
        self.runner.light = True
        if all(name in items for name in role.tests):
            through(self.runner, [items[name] for name in role.tests], role.durations, role.send, Ticks())
        forks.leave()


def _import(name: str) -> None:
    """A module that the tests import only when they run; its functions must be alive before a candidate is tried."""
    try:
        importlib.import_module(name)
    except (Exception, SystemExit):  # the repository's own code; its tests will say the same
        return


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    session = Session(first())
    early_config.pluginmanager.register(session, "solve-repair")
    session.begin()
