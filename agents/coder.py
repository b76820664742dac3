"""The coder: a loop of its own inside one node, with its own journal; edits come out, and the talk to go on with."""

import json
from collections import Counter
from dataclasses import dataclass
from decimal import Decimal

from langgraph.runtime import Runtime

from agents import tools
from agents.conversation import Conversation
from agents.desk import Desk
from agents.edits import UNCHANGED
from agents.office import Office
from agents.prompts import render
from agents.record import digest
from agents.reply import Reply, ToolUse
from agents.state import Files, Part, State, Work
from agents.tools import BY_VARIANT, CODER, BadCall, Done, parse
from agents.trouble import ModelError, ModelUnavailable, OverShare
from tasks.limits import Allowance, OverBudget

TURNS = 40  # replies of one seat
CALLS = 16  # of one reply that are made
SAME = 4  # times the same call may bring the same
SILENT = 3  # replies without a call


@dataclass
class Loop:
    """One seat at work."""

    talk: Conversation
    desk: Desk
    finished: bool = False
    silent: int = 0
    denied: str = ""  # the edits for which `done` was answered with failing tests

    def __post_init__(self) -> None:
        self._seen: Counter[str] = Counter()

    def turn(self) -> str:
        """One reply and what its calls bring. Returns why the loop ends, empty if it goes on.

        Raises:
            ModelError, OverBudget, BadInput: see `trouble.py`.
            SandboxUnavailable: the machine is gone.
        """
        reply = self.talk.turn()
        if not reply.calls:
            self.silent += 1
            if self.silent >= SILENT:
                return "the model makes no calls"
            self.talk.say(_nudge(reply, Done.name in self.talk.tools))
            return ""
        self.silent = 0
        before = dict(self.desk.files)
        results: list[tuple[ToolUse, str]] = []
        for use in reply.calls[:CALLS]:
            results.append((use, self._act(use)))
            if self.finished:
                break
        results += [(use, "not made: too many calls in one reply") for use in reply.calls[CALLS:]]
        if Done.name not in self.talk.tools and self._taken_back(before, results):
            return self._stuck()
        self.talk.answer(reply, results)
        if self.finished:
            return "done"
        return self._stuck()

    def _taken_back(self, before: Files, results: list[tuple[ToolUse, str]]) -> bool:
        """Whether the edits of a reply do not do, and are undone together with it.

        Each edit may be the last, so the tests run. A weak model repeats what it sees of itself, and what it says next
        to the same words is another try.
        """
        if self.desk.files != before:
            self.finished = not self._failing()
        elif not all(text.endswith(UNCHANGED) for _, text in results):
            return False
        if self.finished:
            return False
        self.desk.restore(before)
        self.talk.take_back()
        return True

    def _stuck(self) -> str:
        stuck = max(self._seen.values(), default=0) >= SAME
        return "the model goes in circles: the same call brings the same" if stuck else ""

    def _act(self, use: ToolUse) -> str:
        try:
            call = parse(use, self.talk.tools)
        except BadCall as error:
            self.talk.brain.models.misfit()
            text = str(error)
        else:
            text = self._finish() if isinstance(call, Done) else self.desk.act(call)
        self._seen[digest([use.name, use.arguments, text])] += 1
        return text

    def _finish(self) -> str:
        """`done` counts if the tests that show the issue pass, or if it is said a second time of the same edits."""
        if not self.desk.files:
            self.denied, denied = "nothing", self.denied
            self.finished = bool(denied)
            return "nothing is changed yet: edit first, or call done again if nothing is to be changed"
        state = digest({path: str(content) for path, content in sorted(self.desk.files.items())})
        if self.denied != state:
            self.denied = state
            failing = self._failing()
            if failing:
                return f"not yet: {failing}\nGo on; or call done again if this is as it should be."
        self.finished = True
        return "done"

    def _failing(self) -> str:
        """What the tests that show the issue say, if not all of them pass."""
        if not self.desk.showing:
            return ""
        text = self.desk.act(tools.Test(tests=[]))
        return "" if self.desk.passed else text


def code(work: Work, runtime: Runtime[Office]) -> State:
    """The node: one subtask from the edits it starts with to its own."""
    office = runtime.context
    subtask = work["subtask"]
    seat = office.seat(f"coder/{subtask['id']}")
    brain = office.brains["coder"]
    system = render("coder", brain.model.prompts, turns=TURNS, seconds=tools.SECONDS, shown=office.room("coder").tool)
    talk = Conversation(brain, seat, system, BY_VARIANT.get(brain.model.prompts, CODER))
    stopped, why = "", ""
    if work["part"]:
        brain.models.limit(seat, allowance(work["part"]))
    given = office.store.files(work["test"])
    with office.desk("coder", seat, given, work["showing"]) as desk:
        loop = _seated(office, work, talk, desk)
        try:
            for _ in range(TURNS):
                why = loop.turn()
                if why:
                    break
        except OverShare as error:  # what it did so far is merged, and others go on
            why = str(error)
        except OverBudget as error:
            stopped, why = "over_budget", str(error)
        except ModelError as error:
            stopped, why = ("infra_error" if isinstance(error, ModelUnavailable) else "gave_up"), str(error)
        edits = office.store.put_files(desk.files)
        acts = desk.acts
    kept = office.store.put_text(json.dumps(talk.dump() | {"acts": acts}))
    office.tell("code", f"{seat}: {why or 'no replies left'}, {len(desk.files)} files changed")
    return {
        "finished": {subtask["id"]: {"edits": edits, "talk": kept, "start": work["start"]}},
        "stopped": stopped,
        "why": why if stopped else "",
    }


def allowance(part: Part) -> Allowance:
    dollars = part["dollars"]
    return Allowance(part["calls"], part["tokens"], None if dollars is None else Decimal(dollars))


def _seated(office: Office, work: Work, talk: Conversation, desk: Desk) -> Loop:
    """The desk with the edits so far, and the talk opened, or gone on with."""
    desk.put(office.store.files(work["start"]))
    if work["talk"]:
        row = json.loads(office.store.text(work["talk"]))
        desk.acts = row["acts"]
        talk.load(row)
        talk.say("\n\n".join([office.store.text(work["say"]), *work["notes"]]))
        return Loop(talk, desk)
    subtask = work["subtask"]
    about = [
        subtask["goal"],
        f"Files: {', '.join(subtask['files'])}" if subtask["files"] else "",
        f"Symbols: {', '.join(subtask['symbols'])}" if subtask["symbols"] else "",
        f"It is done when: {subtask['check']}" if subtask["check"] else "",
    ]
    talk.say(
        office.opening(
            "coder",
            talk.seat,
            showing=office.shown(
                "coder", work["showing"], office.store.files(work["test"]), office.store.text(work["said"])
            ),
            notes="\n".join(work["notes"]),
            task="\n".join(part for part in about if part),
        )
    )
    return Loop(talk, desk)


def _nudge(reply: Reply, ends: bool) -> str:
    """`ends`: it can say that it is done."""
    if reply.cut:
        return "Your reply was cut off at the limit of its length. Say less, and make your next call."
    return "Call a tool, or `done` if the work is finished." if ends else "Edit the code: the issue is not solved yet."
