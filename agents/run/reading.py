"""A walk through trajectories with a person: what is shown of each, what may be answered, and what is kept.

The verdict of the tests is shown after the person's own: who knows it first agrees with it.
"""

import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from rich.console import Console
from rich.text import Text

from agents.run.outcome import show_patch
from agents.run.shown import counted, shown
from agents.run.traces import Trace
from agents.trajectory import Step
from tasks.labels import Label, Labels, Opinion, key_of

WORDS: dict[str, Opinion] = {"a": "accept", "r": "reject", "u": "unsure"}
ASK = "[a]ccept, [r]eject, [u]nsure, [m]ore of it, [s]kip, [q]uit: "
STEPS, LINES, ISSUE_LINES = 12, 6, 40  # of a trajectory, of one step of it, of the issue


def chosen(traces: Sequence[Trace], sample: int, seed: int) -> list[Trace]:
    """The sample: what a machine failed says nothing of a solver, and is left out."""
    judged = sorted((trace for trace in traces if trace.result.outcome != "infra_error"), key=lambda t: t.result.key)
    return random.Random(seed).sample(judged, min(sample, len(judged)))  # noqa: S311  (a sample, not a secret)


class Reading:
    def __init__(self, labels: Labels, by: str, console: Console, line: Callable[[], str]) -> None:
        """`line` reads one line of a person's answer with its end; without one the walk is over."""
        self._labels, self._by, self._console, self._line = labels, by, console, line

    def walk(self, traces: Sequence[Trace]) -> str:
        """Show each that this person has not labelled yet, and keep what is said; what came of it in one line."""
        known = {label.key for label in self._labels.read() if label.by == self._by}
        left = [trace for trace in traces if key_of(trace.result) not in known]
        done = 0
        for number, trace in enumerate(left, len(traces) - len(left) + 1):
            self._show(trace, f"{number} of {len(traces)}", whole=False)
            answer = self._asked(trace, f"{number} of {len(traces)}")
            if answer == "q":
                break
            if answer in WORDS:
                self._keep(trace, WORDS[answer])
                done += 1
        before = len(traces) - len(left)
        return f"{counted(done, 'label')} kept in {self._labels.path}, {before} were there before"

    def _asked(self, trace: Trace, place: str) -> str:
        while True:
            answer = self._answer(ASK).lower()[:1]
            if answer in ("s", "q", *WORDS):
                return answer
            if answer == "m":
                self._show(trace, place, whole=True)

    def _keep(self, trace: Trace, verdict: Opinion) -> None:
        tags = tuple(
            dict.fromkeys(tag.strip() for tag in self._answer("tags, with commas: ").split(",") if tag.strip())
        )
        note = self._answer("note: ")
        name, model, run, patch = key_of(trace.result)
        at = datetime.now(UTC).isoformat(timespec="seconds")
        self._labels.add(
            Label(
                instance_id=name,
                model_name_or_path=model,
                run=run,
                patch=patch,
                verdict=verdict,
                tags=tags,
                note=note,
                by=self._by,
                at=at,
            )
        )
        result = trace.result
        self._say(f"kept: {verdict}; the tests say: {result.outcome} {result.reason}".rstrip())

    def _answer(self, question: str) -> str:
        """A line; "q" at the end of the input."""
        self._console.print(question, end="", markup=False, highlight=False)
        line = self._line()
        return line.strip() if line else "q"

    def _show(self, trace: Trace, place: str, *, whole: bool) -> None:
        result = trace.result
        self._console.rule(
            Text(shown(f"{place}: {result.instance_id} · {result.model_name_or_path} #{result.run}")), align="left"
        )
        self._cut(trace.issue or "(its issue is not kept in this run)", None if whole else ISSUE_LINES)
        self._console.rule("what it did", style="dim", align="left")
        steps = list(trace.steps())
        shown_steps = steps if whole or len(steps) <= STEPS else [*steps[: STEPS // 2], *steps[-STEPS // 2 :]]
        for who, step in shown_steps:
            self._step(who, step, None if whole else LINES)
        if len(shown_steps) < len(steps):
            self._say(f"({len(steps) - len(shown_steps)} steps between are left out)")
        self._console.rule("patch", style="dim", align="left")
        if result.model_patch.strip():
            show_patch(shown(result.model_patch), self._console)
        else:
            self._say(f"none: {result.ended} {result.reason}")
        cost = "price unknown" if result.dollars is None else f"${result.dollars:.4f}"
        self._say(f"{result.seconds:.0f} s, {counted(result.calls, 'model call')}, {cost}")

    def _step(self, who: str, step: Step, most: int | None) -> None:
        self._cut(f"{who} ({step.source}): {step.message}".rstrip(), most)
        for call in step.calls:
            arguments = ", ".join(f"{name}={value!r}" for name, value in call.arguments.items())
            self._cut(f"  → {call.name}({arguments})", most)
            if call.result:
                self._cut(f"  ← {call.result}", most)

    def _cut(self, text: str, most: int | None) -> None:
        lines = shown(text).splitlines()
        for line in lines[:most]:
            self._say(line)
        if most is not None and len(lines) > most:
            self._say(f"  ({len(lines) - most} more lines)")

    def _say(self, line: str) -> None:
        self._console.print(Text(shown(line)), soft_wrap=True)
