"""The harness's trials of attempts: each patch is run once, in fresh sandboxes, whoever asks."""

from dataclasses import dataclass, field, replace

from agents.run.prepare import Prepared
from sandbox.api import BadInput
from sandbox.testlog import TestReport
from tasks.event import Event, Tell
from tasks.rundir import RunDir
from tasks.task import Attempt, TestFile
from tasks.verdict import Showing, Trial, Verdict, find_showing, judge
from tasks.verify import run_base, run_patched, with_tests


@dataclass
class Trials:
    """`base` are the runs of the base tree, `showing` what fails there and was frozen before the solver began."""

    prepared: Prepared
    base: tuple[TestReport, ...]
    showing: Showing
    run: RunDir
    tell: Tell
    _known: dict[tuple[bytes, tuple[TestFile, ...]], Trial] = field(default_factory=dict)

    def verdict(self, attempt: Attempt) -> Verdict:
        """What the run would come to with this attempt."""
        return judge(self.of(attempt))

    def of(self, attempt: Attempt) -> Trial:
        """What a verdict on the attempt rests on: its patch run in fresh sandboxes, unless there is none."""
        key = (attempt.patch, attempt.tests)
        if key not in self._known:
            self._known[key] = self._tried(attempt)
        return self._known[key]

    def _tried(self, attempt: Attempt) -> Trial:
        prepared, base, showing = self.prepared, self.base, self.showing
        if attempt.tests and not (showing.ids and showing.named):
            prepared, base, showing = self._shown_by_solver(attempt)
        scope = prepared.check.scope
        if not attempt.patch:
            return Trial(b"", showing, scope, base)
        changes = prepared.workspace.changes(attempt.patch)
        patched = run_patched(prepared.check, changes, base, showing.ids, self.tell)
        keep_logs(self.run, "patch", patched.runs)
        return Trial(attempt.patch, showing, scope, base, patched.runs, patched.restored)

    def _shown_by_solver(self, attempt: Attempt) -> tuple[Prepared, tuple[TestReport, ...], Showing]:
        """Where nothing showed the issue before, the solver's own tests do, if the harness sees them fail."""
        check = with_tests(self.prepared.check, attempt.tests)
        try:
            base = run_base(check, self.tell)
        except BadInput as error:  # the solver's test is at fault: without it the base ran
            self.tell(Event("verify", f"the solver's own test shows nothing: {error}"))
            return self.prepared, self.base, self.showing
        keep_logs(self.run, "base-with-tests", base)
        showing = find_showing(base, attempt.tests, self.prepared.task.issue)
        if not showing.ids:
            return self.prepared, self.base, self.showing
        return replace(self.prepared, check=check), base, showing


def keep_logs(run: RunDir, name: str, reports: tuple[TestReport, ...]) -> None:
    for number, report in enumerate(reports, 1):
        end = f"[exit status {report.exit_code}, {report.seconds:.1f} s] {report.problem}"
        text = f"$ {report.command}\n{report.log}\n{end}\n"
        run.write(f"logs/{name}-{number}.txt", text.encode("utf-8", "replace"))
