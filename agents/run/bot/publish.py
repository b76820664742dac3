"""The job that writes. It has no model and runs nothing of the repository; it believes the event, the forge and its own
rules. From the other job it takes a patch, which `artifact.faults` judges, and words, which `page` makes harmless.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from agents.run.bot import page
from agents.run.bot.deliver import Undeliverable, deliver
from agents.run.bot.desk import Desk, Notice, tell
from agents.run.bot.gate import ROUNDS, Refused, Target, authorise, ledger_of
from agents.run.bot.handover import RESULT, Result, read
from agents.run.bot.ledger import Ledger, Run, Sticky, moment
from agents.run.bot.trigger import Trigger
from sandbox.api import BadInput

AGAIN = "Once the reason is mended, `/retry` tries again."
FAILED = "This was not the issue's fault. The log says more; `/retry` tries again."
SHOW = "A failing test helps most: in a fenced block in the issue, its file named in the first line. Then `/retry`."
NOTICES = {
    "verified": Notice("A draft pull request is open"),
    "unreproduced": Notice("A patch was made, but no test shows that it mends this", advice=SHOW),
    "regressed": Notice("A patch was made, and it breaks tests that passed before", advice=SHOW),
    "refused": Notice("Not started"),
    "planned": Notice("The plan", advice="`/solve` carries it out; whoever may write can change it here before that."),
    "no_patch": Notice("No patch was found", advice=SHOW),
    "over_budget": Notice("The budget of a run was used up", advice="A smaller issue would help; then `/retry`."),
    "failed": Notice("The run failed", advice=FAILED),
    "stopped": Notice("Stopped", advice="The run was cancelled. `/retry` starts again."),
}


@dataclass(frozen=True)
class Case:
    """One authorised event, and what is remembered of its issue."""

    target: Target
    known: Sequence[Sticky]
    ledger: Ledger
    result: Result


def publish(trigger: Trigger, artifacts: Path, job_ended: str, desk: Desk) -> str:
    """One line on what was done. `job_ended`: success, failure, cancelled or skipped, as the CI says of the other job.

    Raises as `Writes` and `Base.push`, where not even a comment can be written.
    """
    target = authorise(trigger, desk.forge, desk.settings, desk.commit)
    if isinstance(target, Refused):
        return refuse(trigger, target, desk)
    known = desk.known(target.issue)
    ledger = ledger_of(known, target.issue)
    if trigger.command in ("stop", "explain"):
        return remembered(trigger.command, ledger, known, desk)
    result = handed_over(target, artifacts, job_ended)
    return settle(Case(target, known, ledger, result), artifacts, job_ended, desk)


def refuse(trigger: Trigger, refused: Refused, desk: Desk) -> str:
    """Tells a person once. What is there already is not touched: a stranger cannot make the bot write twice."""
    if refused.told and not desk.known(trigger.number):
        tell(desk, (), Ledger(issue=trigger.number), Notice("Not started", refused.reason))
    return f"refused: {refused.reason}"


def remembered(command: str, ledger: Ledger, known: Sequence[Sticky], desk: Desk) -> str:
    """`/stop` and `/explain`: from memory, nothing is run. What ran was stopped by the job's concurrency group."""
    if command == "stop":
        notice = Notice("Stopped", advice="What ran for this issue was cancelled. `/retry` starts again.")
    else:
        rounds = f"{ledger.rounds} of {ROUNDS} rounds on the pull request were made." if ledger.pull else ""
        notice = Notice("What was done so far" if ledger.runs else "Nothing was done yet", advice=rounds)
    tell(desk, known, ledger, notice)
    return notice.headline


def handed_over(target: Target, artifacts: Path, job_ended: str) -> Result:
    """What the other job says, if it is about this event; else that it failed, in our own words."""
    trigger = target.trigger
    failed = Result(issue=target.issue, command=trigger.command, ended="failed", dollars=None)
    try:
        result = read(artifacts, RESULT, Result)
    except BadInput as error:
        return failed.model_copy(update={"reason": f"what the run handed over is refused: {error}"})
    if result is None:
        return failed.model_copy(update={"reason": f"the run ended ({job_ended}) and handed nothing over"})
    if (result.issue, result.command) != (target.issue, trigger.command):
        return failed.model_copy(update={"reason": "what the run handed over is about another event"})
    brings = result.ended in ("patched", "planned")
    if brings and not (result.base == target.commit and result.key and result.words):
        return failed.model_copy(update={"reason": "the branch moved while the run was at work"})
    return result


def settle(case: Case, artifacts: Path, job_ended: str, desk: Desk) -> str:
    """Deliver what may be delivered, remember the run, tell people."""
    result = case.result
    if result.ended == "refused":
        if result.told:
            tell(desk, case.known, case.ledger, Notice("Not started", result.reason))
        return f"refused: {result.reason}"
    notice, ledger, commit = concluded(case, artifacts, job_ended, desk)
    tell(desk, case.known, ledger, notice)
    if case.target.pull is not None:
        answer(case, commit, notice, desk)
    return f"{notice.headline}: {notice.text}" if notice.text else notice.headline


def concluded(case: Case, artifacts: Path, job_ended: str, desk: Desk) -> tuple[Notice, Ledger, str]:
    """What is told, what is remembered, and the commit that was pushed (empty if none was)."""
    result, ledger = case.result, case.ledger
    ended = "stopped" if job_ended == "cancelled" and result.ended == "failed" else result.ended
    if case.target.pull is not None:
        ledger = ledger.model_copy(update={"rounds": ledger.rounds + 1})
    if ended == "planned":
        planned = ledger.model_copy(update={"plan": result.words or ""})
        return with_words(ended, plan=result.plan), recorded(planned, result, ended, desk), ""
    if ended != "patched" or not may_deliver(case):
        kind = result.verdict if ended == "patched" and result.verdict in NOTICES else ended
        words = "\n\n".join(filter(None, (result.headline, result.reason)))
        return with_words(kind, words), recorded(ledger, result, kind, desk), ""
    try:
        delivered = deliver(case.target, case.ledger, result, artifacts, desk)
    except Undeliverable as error:
        if error.commit:
            ledger = ledger.model_copy(update={"head": error.commit})
        return Notice("The patch was not delivered", str(error), AGAIN), recorded(ledger, result, "refused", desk), ""
    update = {"pull": delivered.pull, "head": delivered.commit, "text": result.words or "", "plan": ""}
    ledger = recorded(ledger.model_copy(update=update), result, "patched", desk)
    return with_words("verified", result.headline), ledger, delivered.commit


def may_deliver(case: Case) -> bool:
    """A first patch must be verified. In a round a person who may write asked for it and reads it: it must not break
    anything, but need not have a test that shows it."""
    allowed = ("verified",) if case.target.pull is None else ("verified", "unreproduced")
    return case.result.verdict in allowed


def with_words(kind: str, text: str = "", plan: Sequence[str] = ()) -> Notice:
    notice = NOTICES[kind]
    return Notice(notice.headline, text, notice.advice, plan)


def recorded(ledger: Ledger, result: Result, ended: str, desk: Desk) -> Ledger:
    """A run whose cost nobody knows counts with all that it was allowed."""
    dollars = desk.settings.run_dollars if result.dollars is None else result.dollars
    tokens = result.tokens_in + result.tokens_out
    run = Run(
        at=moment(desk.now), key=result.key or "", command=result.command, ended=ended, dollars=dollars, tokens=tokens
    )
    return ledger.with_run(run)


def answer(case: Case, commit: str, notice: Notice, desk: Desk) -> None:
    """Every thread that was worked on gets an answer; threads are looked up, not believed."""
    pull = case.target.pull
    if pull is None or not case.result.threads:
        return
    body = page.answer_body(commit, notice.text or notice.headline)
    for thread in [said for said in desk.forge.threads(pull.number) if not said.answers]:
        if thread.id in case.result.threads:
            desk.forge.answer(pull, thread, body)
