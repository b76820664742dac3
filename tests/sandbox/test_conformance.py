"""One contract, one suite: every check on every backend, but for the differences that are listed with their reason."""

import venv
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path

import conformance_commands
import conformance_copies
import conformance_files
import conformance_isolation
import conformance_processes
import pytest
from sandbox_conformance import DIFFERENCES, WITHOUT_GROUP, Check, Ground, checks_of

from sandbox import open_sandbox
from sandbox.api import Image, Limits, Owner, Sandbox
from sandbox.cgroup import Cgroup

CHECKS: dict[str, Check] = {
    **checks_of(vars(conformance_commands)),
    **checks_of(vars(conformance_files)),
    **checks_of(vars(conformance_copies)),
    **checks_of(vars(conformance_processes)),
    **conformance_processes.ESCAPE_CHECKS,
    **checks_of(vars(conformance_isolation)),
}
KINDS = [
    pytest.param("local"),
    pytest.param("bubblewrap", marks=pytest.mark.bubblewrap),
    pytest.param("docker", marks=pytest.mark.docker),
]
ENV = {"OF_IMAGE": "from the image"}


@pytest.fixture(scope="module")
def folder_image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `local` and `bubblewrap` start from: a base tree, and a venv whose interpreter may stand anywhere."""
    top = tmp_path_factory.mktemp("image")
    (top / "tree").mkdir()
    (top / "tree" / "README").write_text("base\n")
    venv.create(top / "venv", symlinks=True, with_pip=False)
    return top


Start = Callable[[Limits], Sandbox]


@pytest.fixture(scope="module")
def start(kind: str, request: pytest.FixtureRequest) -> Start:
    if kind == "docker":
        from docker_image import find_image

        image = Image("docker", find_image().ref, "/work", ENV)
    else:
        image = Image(kind, str(request.getfixturevalue("folder_image")), "/work", ENV)
    return lambda limits: open_sandbox(image, limits=limits, owner=Owner("conformance", kind))


@pytest.fixture(scope="module")
def shared(start: Start) -> Iterator[Sandbox]:
    with ExitStack() as stack:
        yield stack.enter_context(start(Limits()))


@pytest.mark.parametrize("check", CHECKS.values(), ids=CHECKS)
@pytest.mark.parametrize("kind", KINDS, scope="module")
def test_contract(
    kind: str, check: Check, start: Start, shared: Sandbox, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    name = request.node.callspec.id.removeprefix(f"{kind}-")
    if reason := differences(kind).get(name):
        pytest.skip(reason)
    check(Ground(shared, start, tmp_path))


@cache
def differences(kind: str) -> dict[str, str]:
    found = dict(DIFFERENCES.get(kind, {}))
    group = Cgroup.open(Limits())
    if group is None:
        return found | WITHOUT_GROUP.get(kind, {})
    group.close()
    return found


def test_the_suite_is_whole() -> None:
    """A check that is renamed takes its listed differences with it, and none is lost by being overwritten."""
    assert len(CHECKS) >= 80
    assert {name for table in (DIFFERENCES, WITHOUT_GROUP) for found in table.values() for name in found} <= set(CHECKS)
