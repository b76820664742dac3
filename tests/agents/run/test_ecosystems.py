"""Real bugs of a Go module, a Rust crate and npm packages, solved by `solve run` with a scripted model, in docker.

Each repository is the commit that mended the bug with the mending taken out again, so the project's own new tests show
it. Needs mirrors: `make accept-ecosystems MIRRORS=DIR`, with bare repositories at DIR/OWNER/NAME.git.
"""

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from docker_image import containers
from git_repositories import commit, git, line
from model_server import Act, ModelServer, Say
from team_site import role_of, typed

pytestmark = pytest.mark.accept


@dataclass(frozen=True)
class Bug:
    repository: str
    fix: str  # the commit that mended it
    path: str  # the file that it mended
    language: str
    issue: str
    showing: frozenset[str]  # tests that must be the ones that show it
    passing: int  # tests that pass before, at least

    def mending(self, mirror: Path) -> bytes:
        """The part of the commit that mends: of the file's hunks the first."""
        patch = git(mirror, "show", "--format=", "--unified=3", self.fix, "--", self.path).decode()
        parts = re.split(r"^(?=@@ )", patch, flags=re.MULTILINE)
        return "".join(parts[:2]).encode()


BUGS = (
    Bug(
        "dustin/go-humanize",
        "402bd47cf34e515e11d0dd8d04279a6b4ff04bc2",
        "comma.go",
        "go",
        "BigComma changes the number that it is given: see TestHumanizeBigIntMutation",
        frozenset({"TestHumanizeBigIntMutation (github.com/dustin/go-humanize)"}),
        40,
    ),
    Bug(
        "rapidfuzz/strsim-rs",
        "605c81c9b9dfaeb8c26c92129fbd5d0f567e0fb8",
        "src/lib.rs",
        "rust",
        "jaro of a character with itself is 0: see jaro_same_one_character and jaro_winkler_same_one_character",
        frozenset(
            {
                "tests::jaro_same_one_character (src/lib.rs)",
                "tests::jaro_winkler_same_one_character (src/lib.rs)",
            }
        ),
        80,
    ),
    Bug(
        "visionmedia/bytes.js",
        "581b2b5b96d10fe75bda7ae03ee6afab64b6abcb",
        "index.js",
        "javascript",
        "parse gives NaN for a string that it cannot read: `Should return null if input is invalid` fails",
        frozenset(
            {
                "test/byte-parse.js > Test byte parse function > Should return null if input is invalid",
                "test/bytes.js > Test constructor > Should return null if input is invalid",
            }
        ),
        20,
    ),
    Bug(
        "jshttp/cookie",
        "c66147c053c74b256287aa7c0a4e63082d786fb2",
        "src/index.ts",
        "typescript",
        "A value in the options wins: see `should support three argument mode with value in options`",
        frozenset(
            {
                "src/stringify-set-cookie.spec.ts > cookie.stringifySetCookie > "
                "should support three argument mode with value in options"
            }
        ),
        100,
    ),
)


def mirror_of(bug: Bug) -> Path:
    folder = os.environ.get("SOLVE_MIRRORS")
    if not folder:
        pytest.fail("name a folder of mirrors: make accept-ecosystems MIRRORS=DIR", pytrace=False)
    return Path(folder) / f"{bug.repository}.git"


def edits(mending: bytes) -> dict[str, str]:
    """The hunk as the text that stands there and the text that is to."""
    body = mending.decode().split("\n@@ ", 1)[1].split("\n")[1:]
    old = [text[1:] for text in body if text[:1] in ("-", " ")]
    new = [text[1:] for text in body if text[:1] in ("+", " ")]
    return {"search": "\n".join(old), "replace": "\n".join(new)}


def script(bug: Bug, mending: bytes) -> Any:
    turns = [
        Say(calls=[("edit", {"path": bug.path, **edits(mending)})]),
        Say(calls=[("test", {"tests": []}), ("done", {"summary": "as the project itself mended it"})]),
    ]

    def play(request: dict[str, Any]) -> Act:
        match role_of(request):
            case "reviewer":
                return typed({"verdict": "accept", "reasons": "it is the project's own"})
            case "probe":
                asked = request["messages"][-1]["content"]
                return Say(calls=[("ping", {"word": "pong"})]) if "tool" in asked else Say('{"word": "pong"}')
        return turns[sum(message["role"] == "assistant" for message in request["messages"])]

    return play


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.language)
def test_a_real_bug_is_mended_and_verified(bug: Bug, tmp_path: Path) -> None:
    mirror = mirror_of(bug)
    mending, tree = bug.mending(mirror), tmp_path / "repository"
    git(tmp_path, "clone", "--quiet", str(mirror), str(tree))
    git(tree, "checkout", "--quiet", bug.fix)
    git(tree, "apply", "--reverse", stdin=mending)
    base = commit(tree, "without the mending")
    out = tmp_path / f"run-{bug.language}-{os.getpid()}"
    with ModelServer(script(bug, mending)) as server:
        command = [f"{sys.prefix}/bin/solve", "run", "--repo", str(tree), "--issue", bug.issue, "--model", "scripted"]
        command += ["--base-url", server.url, "--allow-unpriced", "--sandbox", "docker", "--out", str(out), "--json"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=1500)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    evidence = json.loads((out / "verdict.json").read_text())
    print(f"\n{bug.repository}: {result['verdict']}: {evidence['headline']}")
    assert (result["verdict"], evidence["author"]) == ("verified", "repository")
    assert frozenset(evidence["fixed"]) == bug.showing
    assert evidence["guarded"] >= bug.passing
    assert line(tree, "rev-parse", "HEAD") == base
    git(tree, "apply", str(out / "patch.diff"))
    assert git(tree, "diff", bug.fix, "--", bug.path) == b"", "the patch is the project's own"
    assert containers(out.name) == []
