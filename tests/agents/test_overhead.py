"""What the harness itself takes of a processor for a model call: at most 5 ms."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from agents.conversation import Brain, Conversation
from agents.journal import Journal
from agents.llm import Servers
from agents.models import Model, Price
from agents.tools import CODER
from tasks.limits import Budget

CALLS = 200
MOST = 5.0  # milliseconds
SERVER = Path(__file__).parents[1] / "model_server.py"
FREE = Price(input=0, cached=0, output=0)  # type: ignore[arg-type]


@pytest.mark.accept  # a measure: what else runs on the machine has a part in it
def test_a_call_in_a_long_talk_takes_at_most_five_milliseconds_of_cpu(tmp_path: Path) -> None:
    """Request, reservation, two synced rows of the journal, HTTP, reply; the server is another process."""
    script = tmp_path / "script.json"
    script.write_text(json.dumps([{"calls": [["view", {"path": "a.py"}]]}] * CALLS))
    command = [sys.executable, str(SERVER), str(script)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        url = server.stdout.readline().strip()
        model = Model(id="m", base_url=url, context=1_000_000, output=100, price=FREE)
        servers = Servers(Journal(tmp_path / "journal.jsonl", {}), Budget(), lambda model: "none")
        talk = Conversation(Brain(servers, model, frozenset({"tools"})), "coder", "You mend software.", CODER)
        talk.say("x" * 30_000)
        taken = []
        for _ in range(CALLS):
            started = time.process_time()
            reply = talk.turn()
            talk.answer(reply, [(use, "line of code\n" * 40) for use in reply.calls])
            taken.append(time.process_time() - started)
        servers.close()
        servers.journal.close()
        server.communicate()
    low, median = (1000 * sorted(taken)[CALLS // part] for part in (4, 2))
    print(f"{median:.1f} ms CPU a call, a quarter of them below {low:.1f} ms")
    assert low < MOST, "what else runs on the machine makes it more, and never less"
