"""`RepairSolver`: a task with a failing test → the likeliest small patch that passes the tests. No model, no key."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath

from agents.repair import files, journal
from agents.repair.candidates import Findings, Proposal, propose
from agents.repair.edits import apply, spanning
from agents.repair.inner import BATCH, CannotRun, Inner, Request
from agents.repair.observed import Differ, End, Head, Imported, Modules, Pair, Progress, Searched, Test
from agents.repair.rank import Ranked, order, ranked, slowed
from agents.repair.source import Source
from agents.repair.survey import findings
from agents.repair.suspicion import Line
from sandbox.api import Sandbox
from sandbox.testrun import run_tests, selects
from tasks.event import Event
from tasks.solvers import Site
from tasks.task import Attempt, Cost, Task

NEEDS = "repair needs a test that fails: give one, or an example with its result, in the issue, or choose a model"
ONLY_PYTHON = "repair mends Python that pytest tests: for this repository choose a model"
SECONDS = 60.0  # a "no" must be cheap: this solver is the first rung of every run
SURVEY_SHARE = 0.3
GENERATE_SHARE = 0.15
CONFIRM_SHARE = 0.15  # kept for the whole scope
MOST_GUARD = 400  # tests that pass on the base and are watched while searching
MOST_CONFIRMED = 5
MOST_AGAIN = 20  # tests that failed with a patch and are run again


@dataclass
class Search:
    """What one solve has found so far."""

    started: float = field(default_factory=time.monotonic)
    sources: Mapping[str, Source] = field(default_factory=dict)
    findings: Findings = field(default_factory=lambda: Findings({}))
    proposals: Sequence[Proposal] = ()
    numbered: Mapping[int, Proposal] = field(default_factory=dict)  # as the half inside knows them; pairs too
    plausible: Sequence[Ranked] = ()
    last: Progress | None = None
    first: Progress | None = None
    survey_cpu: float = 0.0
    differ: Differ | None = None

    def sort(self, answers: Sequence[Searched]) -> None:
        """Rank what passed."""
        progress = [row for row in answers if isinstance(row, Progress)]
        single = dict(enumerate(self.proposals))
        paired = {row.id: self._pair(row) for row in answers if isinstance(row, Pair) and row.id not in single}
        self.numbered = single | {number: pair for number, pair in paired.items() if pair is not None}
        passed = [row for row in progress if row.kind == "plausible" and row.id in self.numbered]
        self.last = progress[-1] if progress else None
        self.differ = next((row for row in answers if isinstance(row, Differ)), None)
        self.first = passed[0] if passed else None
        by_file: dict[str, list[Proposal]] = {}
        for row in passed:
            proposal = self.numbered[row.id]
            by_file.setdefault(proposal.path, []).append(proposal)
        found = [item for path, items in by_file.items() for item in ranked(self.sources[path], items)]
        steps = {self.numbered[row.id]: row.steps for row in passed}
        self.plausible = sorted(slowed(found, steps), key=order)

    def _pair(self, row: Pair) -> Proposal | None:
        """Two proposals as one; none where they are not what they were said to be."""
        if not all(0 <= number < len(self.proposals) for number in row.of):
            return None
        one, other = (self.proposals[number] for number in row.of)
        try:
            edit = spanning(self.sources[one.path].data, [one.edit, other.edit])
        except ValueError:
            return None
        if one.path != other.path:
            return None
        return Proposal(one.path, edit, one.cost + other.cost, f"{one.operator} + {other.operator}", one.line)

    @property
    def tried(self) -> int:
        return self.last.tried if self.last else 0

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.started


class RepairSolver:
    """Generate and validate. `seconds`: wall time it takes at most, whatever the budget has."""

    name = "repair"

    def __init__(self, seconds: float = SECONDS) -> None:
        self._seconds = seconds

    def solve(self, task: Task, site: Site) -> Attempt:
        search = Search()
        if not site.showing:
            return _gave_up(search, NEEDS)
        if not selects(site.test_command):
            return _gave_up(search, ONLY_PYTHON)
        until = search.started + min(self._seconds, site.budget.seconds_left)
        try:
            with site.open() as sandbox:
                attempt = self._solve(site, sandbox, search, until)
        except CannotRun as error:
            return _gave_up(search, str(error))
        self._record(site, search, attempt)
        return replace(attempt, suspicion=search.findings.suspicion)

    def _solve(self, site: Site, sandbox: Sandbox, search: Search, until: float) -> Attempt:
        request = _request(site)
        total = until - time.monotonic()
        site.tell(
            Event("code", f"watching tests run: {len(request.showing)} that fail, {len(request.guard)} that pass")
        )
        with Inner(sandbox, site.test_command, request, (SURVEY_SHARE * total, total)) as inner:
            rows = inner.survey()
            problem = _problem(rows, request.showing) or self._look(site, search, rows, total)
            if problem:
                return _gave_up(search, problem)
            answers = self._search(site, inner, request, rows, search, until - CONFIRM_SHARE * total)
        search.sort(answers)
        if not search.plausible:
            tried = f"{search.tried} tried of {len(search.proposals)} and their pairs, in {search.seconds:.0f} s"
            return _gave_up(search, f"no small edit passes the tests: {tried}")
        return self._confirm(site, sandbox, search, until)

    def _look(self, site: Site, search: Search, rows: Sequence[object], total: float) -> str:
        """Make up edits from what was seen. Returns why there are none, if so."""
        search.survey_cpu = sum(row.cpu for row in rows if isinstance(row, End))
        search.sources = files.read(site.tree, _paths([row for row in rows if isinstance(row, Test)]))
        search.findings = findings(rows, site.showing, search.sources)
        search.proposals = propose(search.sources, search.findings, until=time.monotonic() + GENERATE_SHARE * total)
        if not search.proposals:
            return "the failing tests run no line of the repository that could be edited"
        site.tell(Event("code", f"edits to try: {len(search.proposals)}, in files: {len(search.sources)}"))
        return ""

    def _search(
        self, site: Site, inner: Inner, request: Request, rows: Sequence[object], search: Search, until: float
    ) -> list[Searched]:
        total = len(search.proposals)

        def heard(row: Progress) -> None:
            found = f", {row.plausible} pass" if row.plausible else ""
            site.tell(Event("code", f"trying edits{found}", row.tried, total))

        modules = [name for row in rows if isinstance(row, Modules) for name in row.names]
        tests = [row for row in rows if isinstance(row, Test)]
        stable = all(row.stable for row in tests if row.id in request.showing)
        guard, durations = _measured(request, tests)
        return inner.search(
            search.sources,
            search.proposals,
            _early(rows),
            list(dict.fromkeys(modules))[:500],
            max(1.0, until - time.monotonic()),
            guard=guard,
            durations=durations,
            batch=BATCH if stable else 1,
            heard=heard,
        )

    def _confirm(self, site: Site, sandbox: Sandbox, search: Search, until: float) -> Attempt:
        """The likeliest that keeps the whole scope of the baseline passing, in a process of its own."""
        for number, item in enumerate(search.plausible[:MOST_CONFIRMED], start=1):
            source = search.sources[item.proposal.path]
            after = apply(source.data, [item.proposal.edit])
            left = until - time.monotonic()
            patch = site.patch({source.path: after})
            if number == 1:
                site.offer(patch)
            elif left < site.baseline.seconds:
                break
            site.tell(Event("test", f"the whole scope on patch {number} of {len(search.plausible)}"))
            if self._holds(site, sandbox, source, after, max(left, 2 * site.baseline.seconds + 10)):
                chosen = [item, *(other for other in search.plausible if other is not item)]
                search.plausible = chosen
                others = _others(site, search)
                return Attempt(patch, "patched", _label(search), Cost(seconds=search.seconds), others=others)
        return _gave_up(search, f"{len(search.plausible)} edits pass the test's files, none the whole scope")

    def _holds(self, site: Site, sandbox: Sandbox, source: Source, after: bytes, timeout: float) -> bool:
        """A test that fails once and passes when it is run again fails by chance, not by the patch."""
        must = {*site.baseline.ids("passed"), *site.showing}
        selection = sorted({name.split("::")[0] for name in (*site.baseline.cases, *site.showing)})
        sandbox.write(source.path, after)
        try:
            report = run_tests(sandbox, site.test_command, selection, timeout=timeout)
            bad = sorted(must - report.ids("passed"))
            if report.usable and 0 < len(bad) <= MOST_AGAIN:
                report = run_tests(sandbox, site.test_command, bad, timeout=timeout)
                bad = sorted(set(bad) - report.ids("passed"))
        finally:
            sandbox.write(source.path, source.data)
        return report.usable and not bad

    def _record(self, site: Site, search: Search, attempt: Attempt) -> None:
        numbers = {
            "ended": attempt.ended,
            "reason": attempt.reason,
            "seconds": round(search.seconds, 2),
            "edits": len(search.proposals),
            "survey_cpu": search.survey_cpu,
            "search": search.last.model_dump() if search.last else None,
            "first_plausible": search.first.model_dump() if search.first else None,
        }
        journal.write(
            site.folder, search.sources, search.findings.suspicion, search.proposals, search.plausible, numbers
        )


def _others(site: Site, search: Search) -> tuple[bytes, ...]:
    """Patches of what passed too, the likeliest first; only the first was run against the whole scope."""
    patches = []
    for item in search.plausible[1:MOST_CONFIRMED]:
        source = search.sources[item.proposal.path]
        patches.append(site.patch({source.path: apply(source.data, [item.proposal.edit])}))
    return tuple(patches)


def _request(site: Site) -> Request:
    shown = {name.split("::")[0] for name in site.showing}
    passing = [case for case in site.baseline.cases.values() if case.status == "passed"]
    guard = [case.id for case in passing if case.id.split("::")[0] in shown][:MOST_GUARD]
    durations = {name: case.seconds for name, case in site.baseline.cases.items() if name in {*guard, *site.showing}}
    return Request(site.showing, tuple(guard), durations, tuple(sorted(shown)))


def _measured(request: Request, tests: Sequence[Test]) -> tuple[list[str], dict[str, float]]:
    """Which tests guard, and CPU seconds of tests: the survey's where they are from a plain run, of failing tests."""
    showing = {row.id: row.seconds for row in tests if row.id in request.showing and row.status != "timeout"}
    known = {name: seconds for name, seconds in request.durations.items() if name not in request.showing}
    ran = {row.id for row in tests if row.status == "passed"}
    return [name for name in request.guard if name in ran], {**known, **showing}


def _problem(rows: Sequence[object], showing: Sequence[str]) -> str:
    head = next((row for row in rows if isinstance(row, Head)), None)
    if head is None:
        return "the tests could not be watched: pytest ended before it ran them"
    if set(head.missing) >= set(showing):
        why = head.problems[0].splitlines()[-1][:200] if head.problems else "pytest does not collect them"
        return f"the failing tests cannot be run one by one: {why}"
    ran = [row for row in rows if isinstance(row, Test) and row.id in showing]
    if not ran:
        return "the failing tests could not be watched in the time there is"
    if all(row.status == "passed" for row in ran):
        return "the failing tests pass when they are run alone: they fail by order or by chance"
    return ""


def _early(rows: Sequence[object]) -> frozenset[Line]:
    found = [row.lines for row in rows if isinstance(row, Imported)]
    return frozenset((path, line) for lines in found for path, numbers in lines.items() for line in numbers)


def _paths(tests: Sequence[Test]) -> list[str]:
    """Files that failing tests ran, those nearest to the tests' own lines last."""
    paths = dict.fromkeys(path for row in tests for path in row.lines)
    return sorted(paths, key=lambda path: len(PurePosixPath(path).parts))


def _label(search: Search) -> str:
    count = len(search.plausible)
    found = f"{count} plausible patch{'es' if count > 1 else ''}, {search.tried} edits tried"
    return f"passes the tests; {found}{_disagreement(search)}"


def _disagreement(search: Search) -> str:
    """Of the patches that could be compared, how many answer otherwise than the delivered one, and on which call."""
    chosen = search.plausible[0].proposal
    differ = search.differ
    numbers = {number for number, proposal in search.numbered.items() if proposal is chosen}
    alike = next((group for group in differ.groups if numbers & set(group)), []) if differ else []
    if differ is None or not differ.call or not alike:
        return ""
    others = len(differ.patches) - len(alike)
    return f"; {others} of {len(differ.patches)} that were compared disagree with it on {differ.call}"


def _gave_up(search: Search, reason: str) -> Attempt:
    return Attempt(b"", "gave_up", reason, Cost(seconds=search.seconds))
