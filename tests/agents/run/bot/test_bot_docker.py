"""The whole of it, each step a process of its own, the repository's code in containers."""

import json
from pathlib import Path

import pytest
from bot_demo import demonstrate
from bot_site import BOT, KEY, OWNER
from git_repositories import line

pytestmark = pytest.mark.docker


def test_three_real_payloads_end_to_end(tmp_path: Path) -> None:
    fake, printed = demonstrate(tmp_path)
    (pull,) = fake.pulls.values()
    assert (pull["draft"], pull["head"]["ref"]) == (True, "solve/issue-1")
    assert line(fake.remote, "rev-list", "--count", "main..solve/issue-1") == "2"
    assert "sum(prices or ())" in line(fake.remote, "show", "solve/issue-1:shop/price.py")
    for part in ("tests/test_price.py", "tests/test_nothing.py", "Closes #1", "| before |", "scripted", "[log]("):
        assert part in pull["body"]
    (answer,) = [row["body"] for row in fake.threads if row["user"]["login"] == BOT]
    assert "Taken up in" in answer
    everything = json.dumps([fake.pulls, fake.comments, fake.threads]) + "".join(printed)
    assert KEY not in everything
    assert fake.token not in everything
    assert f"@{OWNER}" not in pull["body"]
    for said in printed:
        first, last = said.splitlines()[0], said.splitlines()[1]
        assert first.removeprefix("::stop-commands::") == last.strip(":"), "nothing that is printed is obeyed"
