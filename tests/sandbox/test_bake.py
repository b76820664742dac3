"""Images made step by step: what a step may do, and what is left of the making."""

import contextlib
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from docker.errors import ImageNotFound
from docker_image import engine, find_image, top_group
from engine_proxy import EngineProxy

from sandbox.api import BuildFailed, Owner
from sandbox.bake import Step, bake, baked, unnamed
from sandbox.docker import DockerSandbox
from sandbox.labels import PREFIX, Labels

pytestmark = pytest.mark.docker


@pytest.fixture
def tag() -> Iterator[str]:
    name = f"solve/test-bake:{uuid.uuid4().hex[:12]}"
    yield name
    with engine() as client, contextlib.suppress(ImageNotFound):
        client.images.remove(name, force=True)


def test_a_step_without_network_has_none_and_the_image_is_nobodys(tag: str) -> None:
    steps = [
        Step("with", "ls /sys/class/net >/opt/with", network=True),
        Step("without", "ls /sys/class/net >/opt/without"),
    ]
    image = bake(find_image().ref, tag, steps, {"WORD": "kept"}, "/work")
    with DockerSandbox(image, owner=Owner("test-bake", "steps")) as sandbox:
        assert b"eth0" in sandbox.read("/opt/with")
        assert sandbox.read("/opt/without") == b"lo\n"
        assert sandbox.exec("printf %s $WORD").text() == "kept"
    with engine() as client:
        labels = client.images.get(tag).labels
        assert Labels.parse(labels) is None  # what is started from it, by whomever, is not taken for a dead owner's
        assert not client.containers.list(all=True, filters={"label": f"{PREFIX}task={tag}"})
    assert bake("solve/no-such-base:1", tag, [], {"WORD": "kept"}, "/work") == image  # it is there


def test_a_step_that_fails_is_named_and_nothing_is_left(tag: str) -> None:
    with pytest.raises(BuildFailed, match="it broke") as found:
        bake(find_image().ref, tag, [Step("second thoughts", "echo it broke; false; echo never")], {}, "/")
    assert (found.value.step, "never" in found.value.tail) == ("second thoughts", False)
    assert baked(tag, {}, "/") is None
    with engine() as client:
        assert not client.containers.list(all=True, filters={"label": f"{PREFIX}task={tag}"})


def test_an_unnamed_image_is_gone_unless_another_stands_on_it(tag: str) -> None:
    with unnamed(find_image().ref, [Step("one", "echo one >/opt/one")], "/") as first:
        made = bake(first.ref, tag, [Step("two", "cat /opt/one >/opt/two")], {}, "/")
    with unnamed(find_image().ref, [Step("one", "true")], "/") as second:
        pass
    with engine() as client:
        assert client.images.get(made.ref)
        with pytest.raises(ImageNotFound):
            client.images.get(second.ref)


def test_steps_run_under_the_cgroup_that_is_set(tag: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    group = top_group()
    with EngineProxy(tmp_path / "engine.sock") as proxy:
        monkeypatch.setenv("DOCKER_HOST", proxy.url)
        monkeypatch.setenv("SOLVE_CGROUP_PARENT", group)
        bake(find_image().ref, tag, [Step("nothing", "true")], {}, "/")
    assert f'"CgroupParent": "{group}"'.encode() in b"".join(proxy.asked)
