"""A pytest plugin that writes one JSON line for each test to the file named by SOLVE_REPORT.

It runs inside the solved repository's own Python (3.6 or newer, any pytest from 3.10 on), so: standard library only,
old syntax, and no fixture, option or hook that could change what the suite does.
"""

import json
import os

_MESSAGE = 2000  # characters of a failure that are kept

# Taken out of the environment: a suite that runs pytest itself (pytest's own) must not have us in its inner runs.
_PATH = os.environ.pop("SOLVE_REPORT", None)
for _name in ("PYTEST_PLUGINS", "PYTEST_ADDOPTS"):
    os.environ.pop(_name, None)


def _message(report):
    text = getattr(report, "longreprtext", None)
    if text is None:
        text = str(report.longrepr or "")
    return text[-_MESSAGE:]


class Reporter:
    def __init__(self, path):
        self.file = open(path, "a", buffering=1, encoding="utf-8", errors="backslashreplace")

    def write(self, **row):
        self.file.write(json.dumps(row) + "\n")

    def pytest_collectreport(self, report):
        if report.failed:
            self.write(id=report.nodeid, when="collect", outcome="failed", seconds=0.0, message=_message(report))

    def pytest_runtest_logreport(self, report):
        self.write(
            id=report.nodeid,
            when=report.when,
            outcome=report.outcome,
            seconds=getattr(report, "duration", 0.0),
            xfail=hasattr(report, "wasxfail"),
            message=_message(report) if report.outcome != "passed" else "",
        )

    def pytest_sessionfinish(self, session, exitstatus):
        self.write(end=int(exitstatus), collected=getattr(session, "testscollected", 0))

    def pytest_unconfigure(self):
        self.file.close()


def pytest_configure(config):
    # Workers of pytest-xdist send their reports to the controller, which writes them.
    if _PATH and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Reporter(_PATH), "solve-reporter")
