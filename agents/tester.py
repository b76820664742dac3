"""The tester: writes the test that shows the issue before anyone edits, and picks the tests that guard the patch."""

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

from langgraph.runtime import Runtime
from pydantic import BaseModel, ConfigDict, Field

from agents.conversation import Conversation
from agents.evidence import Evidence, describe, weigh
from agents.groundwork import by_file
from agents.neighbours import like_tests, neighbours
from agents.office import Office, told
from agents.prompts import render
from agents.record import digest
from agents.state import Files, State
from agents.structured import ask
from agents.treepath import inside
from agents.trouble import ModelError, ModelUnavailable
from sandbox.api import PathRefused, Sandbox
from sandbox.testlog import TestCase, TestReport, file_name
from sandbox.testrun import run_tests, selects
from tasks.limits import OverBudget
from tasks.protected import protected

ROUNDS = 3  # tries at a test that fails on the base
QUICK = 120.0  # seconds: a suite that is no slower guards as a whole
AGAIN = 20  # tests that failed and passed before, which are run once more
NEIGHBOURS = 20  # test files, where the suite is slower
SECONDS = 600.0  # for one run


class WrittenTest(BaseModel):
    model_config = ConfigDict(extra="forbid")
    path: str = Field(description="relative to the repository's root")
    code: str


def reproduce(state: State, runtime: Runtime[Office]) -> State:
    """The node: which tests show the issue. Tests that came with it are taken; else one is written, and must fail."""
    office = runtime.context
    if office.showing:
        return {"showing": list(office.showing), "test": ""}
    office.tell("test", "writing a test that shows the issue")
    try:
        return _written(office, state.get("notes", []))
    except OverBudget as error:
        return {"showing": [], "test": "", "stopped": "over_budget", "why": str(error)}
    except ModelUnavailable as error:
        return {"showing": [], "test": "", "stopped": "infra_error", "why": str(error)}
    except ModelError as error:
        office.tell("test", f"no test shows the issue: {error}")
        return {"showing": [], "test": ""}


def _written(office: Office, notes: list[str]) -> State:
    seat = office.seat("tester")
    brain = office.brains["tester"]
    system = render("tester", brain.model.prompts, conventions=office.conventions.text)
    talk = Conversation(brain, seat, system)
    talk.say(office.opening("tester", seat, notes="\n".join(notes)))
    for number in range(1, ROUNDS + 1):
        test = ask(talk, WrittenTest)
        key = digest(test.model_dump())
        tried = office.memory.remember(seat, number, key, lambda test=test: _try(office, test))  # type: ignore[misc]
        if tried["failing"]:
            office.tell("test", f"{tried['path']} fails on the base, as it should")
            content = office.store.put_files({tried["path"]: tried["content"].encode()})
            return {"showing": tried["failing"], "test": content, "said": office.store.put_text(tried["text"])}
        talk.say(f"It does not show the issue. {tried['text']}")
    office.tell("test", "no test could be written that fails on the base")
    return {"showing": [], "test": ""}


def _try(office: Office, test: WrittenTest) -> dict[str, Any]:
    """Run a written test on the base: which of its cases fail there that are new."""
    try:
        path = inside(test.path)
    except PathRefused as error:
        return {"failing": [], "text": str(error)}
    if protected(path):
        return {"failing": [], "text": f"{path} steers tests and is no test: choose another place."}
    with office.site.open() as sandbox:
        try:
            before = sandbox.read(path).decode("utf-8", "replace").rstrip() + "\n\n\n"
        except FileNotFoundError:
            before = ""
        baseline = office.site.baseline
        if before and not any(name.split("::")[0] == path for name in baseline.cases):  # nobody ran this file yet
            baseline = replace(baseline, cases={**baseline.cases, **_run(office, sandbox, [path]).cases})
        content = before + test.code.rstrip() + "\n"
        sandbox.write(path, content.encode())
        report = _run(office, sandbox, [path])
    failing = sorted(name for name in report.ids("failed") if name not in baseline.cases)
    text = office.clean(describe(report, baseline))
    return {"failing": failing, "text": f"Run on the base: {text}", "path": path, "content": content}


def test(state: State, runtime: Runtime[Office]) -> State:
    """The node: what the harness sees of the patch, in a fresh sandbox."""
    office = runtime.context
    edits, written = office.store.files(state["edits"]), office.store.files(state["test"])
    key = digest([state["patch"], state["showing"]])
    seat = office.seat("harness")
    seen = office.memory.remember(
        seat, state.get("round", 0), key, lambda: asdict(evidence_of(office, edits, written, state["showing"]))
    )
    evidence = Evidence.from_json(seen)
    found: State = {"evidence": office.store.put_text(json.dumps(dict(seen))), "good": evidence.good}
    # Of equal evidence the later one is better: it was sent back for a reason.
    if edits and list(evidence.rank) >= state.get("best_rank", []):
        office.site.offer(office.store.get(state["patch"]))
        found |= {"best": state["patch"], "best_edits": state["edits"], "best_rank": list(evidence.rank)}
    return found


def evidence_of(office: Office, edits: Files, written: Files, showing: list[str]) -> Evidence:
    with office.site.open() as sandbox:
        for path, content in {**edits, **written}.items():
            if content is None:
                sandbox.exec(["rm", "-f", "--", path])
            else:
                sandbox.write(path, content)
        chosen = guards(office, [*edits])
        chosen += [path for path in written if chosen and path not in chosen]
        report, ran = _guarded(office, sandbox, chosen)
        missing = sorted(set(showing) - report.cases.keys())
        if missing:
            report = _both(report, _run(office, sandbox, missing))
        report = _again(office, sandbox, report, ran)
    office.tell("test", told(report))
    evidence = weigh(office.site.baseline, showing, report, ran)
    return replace(evidence, text=office.clean(evidence.text))


def _guarded(office: Office, sandbox: Sandbox, chosen: Sequence[str]) -> tuple[TestReport, list[str]]:
    """A run of the whole suite, or of each chosen file, and which these were; a file without a result is in the log."""
    if not chosen or not selects(office.site.test_command):
        return _run(office, sandbox, []), []
    reports = by_file(sandbox, office.site.test_command, chosen, _seconds(office))
    told = [f"{path}: {report.problem}\n{report.log}" for path, report in reports.items() if report.problem]
    known = office.site.baseline.cases
    cases = {
        name: case
        for report in reports.values()
        for name, case in report.cases.items()
        if name != report.command or name in known  # else it is no test: the command did not get as far as them
    }
    return TestReport(office.site.test_command, 0, 0.0, cases, log="\n".join(told)), list(reports)


def guards(office: Office, edits: Sequence[str]) -> list[str]:
    """What of the suite guards an edit, as arguments of the test command; nothing is all of it.

    All that the baseline ran, if that is quick; else the test files that belong to what was edited.
    """
    site = office.site
    if site.baseline.usable and site.baseline.seconds <= QUICK:
        return list(site.selection)
    known = sorted({name.split("::")[0] for name in site.baseline.cases}) or like_tests(site.tree)
    return neighbours(site.tree, known, edits, NEIGHBOURS) or known[:NEIGHBOURS]


def _again(office: Office, sandbox: Sandbox, report: TestReport, asked: Sequence[str]) -> TestReport:
    """What failed that passed before, run once more: by its files, then beside what it ran with on the base.

    Some tests only pass alone, some only beside others, and some by chance. `asked`: files that were to run. One that
    stands below a configuration of its own may give its tests other names where it runs alone.
    """
    ran = {file_name(name) for name in report.cases} | set(asked)
    lost = {name for name in office.site.baseline.ids("passed") - report.ids("passed") if file_name(name) in ran}
    if not report.usable or len(lost) > AGAIN:
        return report
    saved: dict[str, TestCase] = {}
    if lost:
        alone, _ = _guarded(office, sandbox, sorted({file_name(name) for name in lost}))
        saved = {name: alone.cases[name] for name in lost & alone.ids("passed")}
    if lost - saved.keys() and office.site.selection:
        beside = _run(office, sandbox, list(office.site.selection))
        saved |= {name: beside.cases[name] for name in lost & beside.ids("passed")}
    return replace(report, cases={**report.cases, **saved})


def _run(office: Office, sandbox: Sandbox, selection: list[str]) -> TestReport:
    return run_tests(sandbox, office.site.test_command, selection, timeout=_seconds(office))


def _seconds(office: Office) -> float:
    return max(1.0, min(SECONDS, office.site.budget.seconds_left))


def _both(first: TestReport, second: TestReport) -> TestReport:
    return TestReport(
        first.command,
        max(first.exit_code, second.exit_code),
        first.seconds + second.seconds,
        {**first.cases, **second.cases},
        first.problem or second.problem,
        second.log,
    )
