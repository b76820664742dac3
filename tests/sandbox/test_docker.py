"""What only the docker backend promises: its flags, its files, and that the engine keeps nothing afterwards."""

import os
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from docker_image import containers, engine, find_image, opened

from sandbox.api import MEBIBYTE, BadInput, Image, ImageUnavailable, Limits, Owner, PathRefused, SandboxClosed
from sandbox.docker import DockerSandbox

pytestmark = pytest.mark.docker

LIMITS = Limits(
    cpus=1.5, memory=512 * MEBIBYTE, processes=100, open_files=300, file_size=8 * MEBIBYTE, tmp=16 * MEBIBYTE
)


@pytest.fixture(scope="module")
def shared() -> Iterator[tuple[DockerSandbox, str]]:
    with opened(LIMITS) as pair:
        yield pair


@pytest.fixture(scope="module")
def sandbox(shared: tuple[DockerSandbox, str]) -> DockerSandbox:
    return shared[0]


def said(sandbox: DockerSandbox, command: str) -> str:
    done = sandbox.exec(command)
    assert done.ok, done.text()
    return done.stdout.decode().strip()


def test_the_engine_applied_every_flag(shared: tuple[DockerSandbox, str]) -> None:
    with engine() as client:
        found = client.api.inspect_container(shared[1])
    host, config = found["HostConfig"], found["Config"]
    assert host["Init"] is True
    assert host["NetworkMode"] == "none"
    assert host["CapDrop"] == ["ALL"]
    assert not host["CapAdd"]
    assert host["SecurityOpt"] == ["no-new-privileges"]
    assert (host["PidsLimit"], host["NanoCpus"]) == (100, 1_500_000_000)
    assert host["Memory"] == host["MemorySwap"] == 512 * MEBIBYTE
    limits = {one["Name"]: (one["Soft"], one["Hard"]) for one in host["Ulimits"]}
    assert limits == {"nofile": (300, 300), "core": (0, 0), "fsize": (8 * MEBIBYTE, 8 * MEBIBYTE)}
    assert set(host["Tmpfs"]["/tmp"].split(",")) >= {"nosuid", "nodev", f"size={16 * MEBIBYTE}"}
    assert not host["Binds"]
    assert not host["Privileged"]
    assert not found["Mounts"]
    assert host["LogConfig"]["Type"] == "none"
    assert config["StopTimeout"] == 1
    assert config["User"] not in ("", "0", "root", "0:0")
    labels = config["Labels"]
    assert (labels["solve.task"], labels["solve.owner"]) == ("task", str(os.getpid()))
    assert float(labels["solve.expires"]) == pytest.approx(time.time() + LIMITS.lifetime, abs=120)


def test_the_flags_hold_inside(sandbox: DockerSandbox) -> None:
    status = dict(line.split(":\t", 1) for line in said(sandbox, "cat /proc/self/status").splitlines() if ":\t" in line)
    assert {status[name] for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {"0" * 16}
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")
    assert status["Uid"].split() == status["Gid"].split() == ["1000"] * 4
    assert said(sandbox, "ls /sys/class/net") == "lo"
    assert said(sandbox, "ulimit -n; ulimit -c").split() == ["300", "0"]
    assert not sandbox.exec("ls /var/run/docker.sock /run/docker.sock").ok
    assert not sandbox.exec("mount -t tmpfs none /mnt").ok
    assert b"File size" in sandbox.exec("head -c 9M /dev/zero >big; rm big").stderr
    full = sandbox.exec("for part in 1 2 3; do head -c 7M /dev/zero >/tmp/$part; done; rm /tmp/[123]")
    assert b"No space left" in full.stderr


def test_nobody_inside_can_signal_what_keeps_the_container(sandbox: DockerSandbox) -> None:
    assert sandbox.exec("kill -9 1 7; kill -9 -1; :").exit_code in (0, 137)
    assert sandbox.exec("echo still here").stdout == b"still here\n"


def test_the_harness_environment_stays_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOLVE_API_KEY", "secret")
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    image = Image("docker", find_image().ref, "/work", {"IMAGE": "it's", "with-dash": "kept"})
    with DockerSandbox(image) as sandbox:
        seen = sandbox.exec(["env"], env={"OWN": "1"}).stdout.decode().splitlines()
        alone = sandbox.exec(["env"], env={"OWN": "1"}, attested=True).stdout.decode().splitlines()
    for names in (seen, alone):
        assert {"TZ=Asia/Tokyo", "IMAGE=it's", "with-dash=kept", "OWN=1", "HOME=/tmp"} <= set(names)
        assert "secret" not in str(names)


def test_a_worktree_of_another_owner_is_taken_over() -> None:
    with opened(workdir="/etc/skel/../profile.d") as (sandbox, _):
        assert said(sandbox, "stat -c %u .") == "1000"
        assert sandbox.exec("echo x >new && ls").ok
    with opened(workdir="/made/for/it") as (sandbox, _):
        assert sandbox.exec("pwd; echo x >new").stdout == b"/made/for/it\n"


def test_reset_puts_back_what_nobody_may_read(sandbox: DockerSandbox) -> None:
    said(sandbox, "mkdir -p sub/deep; echo kept >sub/deep/file; ln -s /nowhere link; printf x >secret; chmod 0 secret")
    said(sandbox, "printf x >'odd\nname'; chmod 555 sub/deep; printf x >run; chmod 755 run")
    listing = "find . -printf '%p %y %m %l %TY-%Tm-%Td %TH:%TM\\n' | sort"  # an archive has no fractions of a second
    before = said(sandbox, listing)
    name = sandbox.snapshot()
    said(sandbox, "chmod 755 sub/deep; rm -rf sub secret link; echo y >run; mkdir -p -m 0 shut; touch .new ..new")
    sandbox.reset(name)
    assert said(sandbox, listing) == before
    with pytest.raises(KeyError):
        sandbox.reset("snapshot-99")


def test_files_of_a_memory_mount_are_read_and_copied(sandbox: DockerSandbox, tmp_path: Path) -> None:
    """An engine's archives do not see what is mounted over the image."""
    sandbox.write("/tmp/new/file", b"in memory")
    assert sandbox.read("/tmp/new/file") == b"in memory"
    sandbox.copy_out("/tmp/new", tmp_path / "out")
    assert (tmp_path / "out" / "file").read_bytes() == b"in memory"
    sandbox.copy_in(tmp_path / "out", "/tmp/other")
    assert sandbox.read("/tmp/other/file") == b"in memory"


def test_an_endless_file_is_refused_not_read(sandbox: DockerSandbox, tmp_path: Path) -> None:
    with pytest.raises(PathRefused):
        sandbox.read("/proc/self/environ", max_bytes=1)
    with pytest.raises(FileNotFoundError):
        sandbox.read("/dev/zero")
    said(sandbox, "truncate -s 8M sparse")
    with pytest.raises(PathRefused):
        sandbox.copy_out("sparse", tmp_path / "out", max_bytes=MEBIBYTE, max_members=10)
    assert not (tmp_path / "out").exists()


def test_standard_input_longer_than_a_pipe(sandbox: DockerSandbox) -> None:
    data = bytes(range(256)) * 4 * 4096
    assert sandbox.exec(["cat"], stdin=data, max_output=len(data)).stdout == data
    assert sandbox.exec(["cat"], stdin=data, max_output=len(data), attested=True).stdout == data
    assert sandbox.exec(["true"], stdin=data).exit_code == 0
    assert sandbox.exec("exec sleep 60", stdin=data, timeout=0.5).timed_out


def test_a_missing_image_says_what_to_do() -> None:
    with pytest.raises(ImageUnavailable, match="docker pull"):
        DockerSandbox(Image("docker", "solve-no-such-image:1", "/work"))


def test_nothing_is_left_after_an_exception_or_a_bad_start() -> None:
    run = f"test-{uuid.uuid4()}"
    owner = Owner(run, "task")

    def fail() -> None:
        with DockerSandbox(find_image(), owner=owner):
            assert len(containers(run)) == 1
            raise BadInput("from inside")

    with pytest.raises(BadInput):
        fail()
    with pytest.raises(OSError):
        DockerSandbox(Image("docker", find_image().ref, "/etc/passwd"), owner=owner)
    assert containers(run) == []


def test_close_is_quick_and_repeatable() -> None:
    sandbox = DockerSandbox(find_image())
    sandbox.exec("setsid sleep 100 &")
    began = time.monotonic()
    sandbox.close()
    assert time.monotonic() - began < 2
    sandbox.close()
    for use in (lambda: sandbox.exec("true"), lambda: sandbox.read("x"), sandbox.snapshot):
        with pytest.raises(SandboxClosed):
            use()
