"""Two planted tests of random names, one that must fail and one that must pass: they show a forged report.

Code under test shares a process with its runner and can make every report say "passed", or write the report itself and
leave. It cannot know which of two random names must fail. No proof against an adversary who finds the planted file.
"""

import dataclasses
import secrets
from dataclasses import dataclass
from pathlib import PurePosixPath

from sandbox.testlog import TestReport, function_name

PLANTED = " (and two planted tests, one of which must fail)"  # said after the command
FORGED = "its report is not believed: a planted test that must fail, or one that must pass, is not reported as it ran"


@dataclass(frozen=True, slots=True)
class Canary:
    path: str  # where it stands, beside the tests that it guards
    source: bytes
    fails: str  # name of the test that must fail
    passes: str


def plant(beside: str) -> Canary | None:
    """A canary for the folder of a test file, named so that what collects that file collects it too; else None."""
    path = PurePosixPath(beside)
    token, fails, passes = (secrets.token_hex(6) for _ in range(3))
    if path.suffix != ".py":
        return None
    if path.name.startswith("test_"):
        name = f"test_{token}.py"
    elif path.stem.endswith("_test"):
        name = f"m{token}_test.py"
    else:
        return None
    bodies = [f"def test_{fails}():\n    assert not {fails!r}\n", f"def test_{passes}():\n    assert {passes!r}\n"]
    source = "\n\n".join(sorted(bodies)).encode()
    return Canary(str(path.with_name(name)), source, f"test_{fails}", f"test_{passes}")


def collected(report: TestReport, canary: Canary) -> bool:
    """Whether any planted test was reported at all."""
    return any(function_name(name) in (canary.fails, canary.passes) for name in report.cases)


def checked(report: TestReport, canary: Canary) -> TestReport:
    """The report without the planted tests; with a problem if they are not as they must be."""
    planted = {
        function_name(name): case
        for name, case in report.cases.items()
        if function_name(name) in (canary.fails, canary.passes)
    }
    rest = {name: case for name, case in report.cases.items() if case not in planted.values()}
    sound = (
        canary.fails in planted
        and canary.passes in planted
        and planted[canary.fails].status == "failed"
        and planted[canary.passes].status == "passed"
        and report.exit_code != 0
    )
    return dataclasses.replace(
        report,
        command=report.command + PLANTED,
        cases=rest,
        problem=report.problem or ("" if sound else FORGED),
    )
