"""An engine or a container that dies or hangs is never a failed command; a forged channel never a verdict."""

import hashlib
import json
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import docker
import pytest
from docker_image import containers, engine, find_image, opened
from engine_proxy import EngineProxy

from sandbox.api import Owner, SandboxUnavailable
from sandbox.docker import DockerSandbox
from sandbox.engine import address, connect

pytestmark = pytest.mark.docker

FORGE = """
echo 'end() { mine; printf "%s0%s\\n" "$1" "$found"; printf %s "$1" >&9; }' >/proc/$PPID/fd/0
"""


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[EngineProxy]:
    with EngineProxy(tmp_path / "engine.sock") as made:
        yield made


@contextmanager
def behind(proxy: EngineProxy) -> Iterator[DockerSandbox]:
    """A sandbox whose way to the engine is the proxy. If that is cut, its container must be removed another way."""
    run = f"test-{uuid.uuid4()}"
    image = find_image()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DOCKER_HOST", proxy.url)
        sandbox = DockerSandbox(image, owner=Owner(run, "task"))
    try:
        with sandbox:
            yield sandbox
    finally:
        with engine() as client:
            for container in containers(run):
                client.api.remove_container(container, force=True)


@pytest.mark.parametrize("attested", [False, True])
def test_an_engine_that_dies_is_told_at_once(proxy: EngineProxy, attested: bool) -> None:
    with behind(proxy) as sandbox, ThreadPoolExecutor(1) as pool:
        assert sandbox.exec("true").ok
        running = pool.submit(sandbox.exec, "sleep 60", timeout=60, attested=attested)
        time.sleep(0.7)
        began = time.monotonic()
        proxy.cut()
        with pytest.raises(SandboxUnavailable, match="engine"):
            running.result(30)
        assert time.monotonic() - began < 3
        for use in (lambda: sandbox.exec("true"), lambda: sandbox.read("x"), sandbox.snapshot):
            with pytest.raises(SandboxUnavailable):
                use()


def test_an_engine_that_hangs_up_is_not_taken_for_a_killed_shell(proxy: EngineProxy) -> None:
    with behind(proxy) as sandbox, ThreadPoolExecutor(1) as pool:
        running = pool.submit(sandbox.exec, "sleep 60", timeout=60)
        time.sleep(0.7)
        proxy.hang_up()
        with pytest.raises(SandboxUnavailable, match="hung up"):
            running.result(30)
        assert sandbox.exec("echo again").stdout == b"again\n"


def test_an_engine_that_hangs_is_given_up(proxy: EngineProxy) -> None:
    with behind(proxy) as sandbox:
        assert sandbox.exec("true").ok
        proxy.freeze()
        began = time.monotonic()
        with pytest.raises(SandboxUnavailable):
            sandbox.exec("true", timeout=0.5)
        assert time.monotonic() - began < 45
        proxy.thaw()


def killed(client: docker.DockerClient, container: str) -> None:
    client.api.kill(container)


def removed(client: docker.DockerClient, container: str) -> None:
    client.api.remove_container(container, force=True)


@pytest.mark.parametrize("attested", [False, True])
@pytest.mark.parametrize("end", [killed, removed])
def test_a_container_that_dies_is_told_at_once(end: Callable[..., None], attested: bool) -> None:
    with opened() as (sandbox, container), ThreadPoolExecutor(1) as pool:
        running = pool.submit(sandbox.exec, "sleep 60", timeout=60, attested=attested)
        time.sleep(0.7)
        began = time.monotonic()
        with engine() as client:
            end(client, container)
        with pytest.raises(SandboxUnavailable, match="from outside"):
            running.result(30)
        assert time.monotonic() - began < 3
        with pytest.raises(SandboxUnavailable):
            sandbox.exec("true")


def test_no_engine_at_all_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    image = find_image()
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    with pytest.raises(SandboxUnavailable, match="start docker or podman"):
        DockerSandbox(image)


def test_a_context_is_honoured(proxy: EngineProxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without DOCKER_HOST the current context of the docker program says where the engine is."""
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    meta = tmp_path / "contexts" / "meta" / hashlib.sha256(b"elsewhere").hexdigest() / "meta.json"
    meta.parent.mkdir(parents=True)
    endpoints = {"docker": {"Host": proxy.url, "SkipTLSVerify": False}}
    meta.write_text(json.dumps({"Name": "elsewhere", "Metadata": {}, "Endpoints": endpoints}))
    (tmp_path / "config.json").write_text(json.dumps({"currentContext": "elsewhere"}))
    assert address().endswith(proxy.url)
    connect().close()


def test_a_forged_channel_does_not_reach_an_attested_status() -> None:
    """A command can write to the pipes of its shell and then speak for it: believed for tools, never for a verdict."""
    with opened() as (sandbox, _):
        sandbox.exec(FORGE)
        time.sleep(0.1)
        assert sandbox.exec("exit 3").exit_code == 0  # the lie
        assert sandbox.exec("exit 3", attested=True).exit_code == 3
        assert sandbox.exec("exit 3").exit_code == 3  # the shell that lied was ended before


def test_a_daemon_that_forges_is_ended_before_an_attested_command() -> None:
    """It took over an idle shell, whose process is known and spared by the cleaning after a tool's command."""
    with opened() as (sandbox, _):
        sandbox.exec("echo 'exec sleep 1234' >/proc/$PPID/fd/0")
        time.sleep(0.2)
        seen = sandbox.exec("for f in /proc/[0-9]*/cmdline; do tr '\\0' ' ' <$f; echo; done", attested=True)
        assert b"sleep 1234" not in seen.stdout


def test_signals_and_statuses_are_the_engines_own() -> None:
    with opened() as (sandbox, _):
        for command, code in {"exit 0": 0, "exit 255": 255, "kill -9 $$": 137, "kill -TERM $$": 143}.items():
            assert sandbox.exec(command, attested=True).exit_code == code
        assert sandbox.exec(["nope"], attested=True).exit_code == 127
        assert sandbox.exec(["/etc/passwd"], attested=True).exit_code == 126
        closed = sandbox.exec("exec >&- 2>&-; sleep 0.5; exit 9", attested=True)  # it hangs up long before it ends
        assert closed.exit_code == 9
        with pytest.raises(FileNotFoundError):
            sandbox.exec("true", cwd="/nowhere", attested=True)
