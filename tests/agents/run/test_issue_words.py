"""A row's words are its author's unless a model is named, and a model that fails leaves them as they are."""

import json
from pathlib import Path
from typing import Any

import pytest
from bench_site import MODELS
from model_server import Act, ModelServer, Say, Status

from agents.run.issue_words import Forge, words_of
from sandbox.api import BadInput
from tasks.mine.candidate import Candidate
from tasks.parts import Parts
from tasks.task import Issue

SAID = Issue("Multiply (#7)", "was added", source="commit message")
CANDIDATE = Candidate("org__calc-g0", "org/calc", "", Parts(b"+ a * b", b"", (), ()), SAID, "2026")
ROW = CANDIDATE.row(("tests/test_area.py::test_area",))


def test_without_a_model_nothing_is_asked() -> None:
    with words_of("", None, 1, "org/calc", lambda line: None) as words:
        assert words(CANDIDATE, ROW) == SAID


def test_a_model_writes_from_the_words_the_tests_and_the_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def script(request: dict[str, Any]) -> Act:
        text = json.dumps(request)
        if "What its author said" not in text:
            return Say("yes")  # what the server can do is probed first
        asked.append(text)
        if len(asked) > 1:
            return Status(400)
        return Say('{"title": "Area is wrong", "body": "2 by 3 gives 5"}')

    told: list[str] = []
    with ModelServer(script) as server:
        (tmp_path / "models.toml").write_text(MODELS.format(url=server.url))
        monkeypatch.setenv("SOLVE_MODELS", str(tmp_path / "models.toml"))
        with words_of("scripted", 1.0, 5, "", told.append) as words:
            written = words(CANDIDATE, ROW)
            assert (written.title, written.body) == ("Area is wrong", "2 by 3 gives 5")
            assert written.source == "model scripted, from the commit message"
            assert words(CANDIDATE, ROW) == SAID
    assert all(part in asked[0] for part in ("was added", "tests/test_area.py::test_area", "+ a * b"))
    assert "its words stay as they are" in told[0]
    with pytest.raises(BadInput, match="nobody"), words_of("nobody", None, 1, "", told.append):
        pass


def test_a_forge_that_does_not_answer_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")  # nobody listens there
    forge = Forge("org/calc", told.append)
    assert forge.issue(SAID) is None
    assert forge.issue(Issue("closes #8", "and #9")) is None
    assert forge.silent
    assert len(told) == 1
