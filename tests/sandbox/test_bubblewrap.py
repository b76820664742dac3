"""What only the bubblewrap backend promises. The parts that need no namespaces run everywhere."""

import struct
import subprocess
import sys
import venv
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
from sandbox_conformance import alive, mark, until

from sandbox import bwrap, seccomp
from sandbox.api import BadInput, Image, ImageUnavailable, PathRefused, SandboxUnavailable
from sandbox.bubblewrap import BubblewrapSandbox


@pytest.fixture
def image(tmp_path: Path) -> Image:
    (tmp_path / "image" / "tree").mkdir(parents=True)
    (tmp_path / "image" / "tree" / "README").write_text("base")
    return Image("bubblewrap", str(tmp_path / "image"), "/work", {"HERE": "{workdir}/src"})


@pytest.mark.bubblewrap
def test_the_tree_stands_where_the_image_says(image: Image) -> None:
    with BubblewrapSandbox(Image("bubblewrap", image.ref, "/somewhere/else/", image.env)) as sandbox:
        assert sandbox.workdir == "/somewhere/else"
        assert sandbox.exec("pwd; cat README; printenv HERE").stdout == b"/somewhere/else\nbase/somewhere/else/src\n"


@pytest.mark.bubblewrap
def test_scripts_of_the_venv_find_their_interpreter(image: Image) -> None:
    folder = Path(image.ref, "venv")
    venv.create(folder, symlinks=True, with_pip=False)
    script = folder / "bin" / "tool"
    script.write_text(f"#!{folder}/bin/python\nimport sys, json, ssl, ctypes; print(sys.prefix)\n")
    script.chmod(0o755)
    with BubblewrapSandbox(image) as sandbox:
        assert sandbox.exec(["tool"]).stdout == f"{folder}\n".encode()
        assert not sandbox.exec(["touch", f"{folder}/new"]).ok
        assert sandbox.read(str(script)).startswith(b"#!")
        for write in (lambda: sandbox.write(str(script), b"x"), lambda: sandbox.copy_in(script, str(folder / "new"))):
            with pytest.raises(PermissionError):
                write()
        assert not (folder / "new").exists()


@pytest.mark.bubblewrap
def test_a_killed_bwrap_is_the_machines_fault(image: Image) -> None:
    marked = mark()
    with BubblewrapSandbox(image) as sandbox, ThreadPoolExecutor() as pool:
        running = pool.submit(sandbox.exec, f"setsid sleep {marked} & sleep {marked}", timeout=300)
        until(lambda: len(alive(marked)) > 2)
        for process in psutil.Process().children():
            if process.name() == "bwrap":
                process.kill()
        with pytest.raises(SandboxUnavailable):
            running.result(30)
        assert alive(marked) == []
        assert sandbox.exec("echo still here").stdout == b"still here\n"


@pytest.mark.bubblewrap
def test_what_the_command_prints_is_not_taken_for_bwraps_word(image: Image) -> None:
    with BubblewrapSandbox(image) as sandbox:
        for line in ("bwrap: execvp x: No such file or directory", "bwrap: Can't chdir to x: No such file"):
            assert sandbox.exec(f'echo "{line}" >&2; exit 1').exit_code == 1
        assert sandbox.exec("for n in 3 4 5 6 7 8 9; do echo '{ \"exit-code\": 0 }' >&$n; done 2>&-; exit 9").exit_code
        assert sandbox.exec(["no-such-program"], max_output=0).exit_code == 127


@pytest.mark.bubblewrap
def test_files_of_the_system_are_not_read_from_outside(image: Image) -> None:
    with BubblewrapSandbox(image) as sandbox, pytest.raises(PathRefused):
        sandbox.read("/etc/passwd")


@pytest.mark.bubblewrap
def test_debuggers_work_inside(image: Image) -> None:
    code = "import ctypes, os; print(ctypes.CDLL(None).ptrace(0, 0, 0, 0))"  # PTRACE_TRACEME
    with BubblewrapSandbox(image) as sandbox:
        assert sandbox.exec(["python3", "-c", code]).stdout == b"0\n"


def test_an_image_without_a_tree_is_told(tmp_path: Path) -> None:
    with pytest.raises(ImageUnavailable, match="build the image again"):
        BubblewrapSandbox(Image("bubblewrap", str(tmp_path), "/work"))


def test_a_missing_bwrap_is_told_with_what_mends_it() -> None:
    code = "from sandbox import bwrap; bwrap.program()"
    done = subprocess.run(
        [sys.executable, "-c", code], env={"PATH": "/none"}, capture_output=True, text=True, check=False
    )
    assert "SandboxUnavailable: bubblewrap is not installed: apt-get install bubblewrap" in done.stderr


@pytest.mark.parametrize(
    ("name", "value", "mend"),
    [
        ("kernel/apparmor_restrict_unprivileged_userns", "1", "kernel.apparmor_restrict_unprivileged_userns=0"),
        ("kernel/unprivileged_userns_clone", "0", "kernel.unprivileged_userns_clone=1"),
        ("user/max_user_namespaces", "0", "user.max_user_namespaces=15000"),
    ],
)
def test_forbidden_namespaces_are_told_with_what_mends_them(tmp_path: Path, name: str, value: str, mend: str) -> None:
    (tmp_path / name).parent.mkdir()
    (tmp_path / name).write_text(f"{value}\n")
    said = "bwrap: setting up uid map: Permission denied"
    assert bwrap.unusable(said, tmp_path).endswith(f": sysctl -w {mend}")
    (tmp_path / name).write_text("7\n")
    assert said in bwrap.unusable(said, tmp_path)


def test_an_interpreter_that_would_show_a_home_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "image" / "venv"
    (folder / "bin").mkdir(parents=True)
    for home in (Path.home() / "bin", tmp_path / "bin", Path("/opt/python3.12/bin"), Path("/usr/bin")):
        (folder / "pyvenv.cfg").write_text(f"home = {home}\nversion = 3.12\n")
        if home.is_relative_to("/opt") or home.is_relative_to("/usr"):
            shown = bwrap.interpreter(folder)
            assert ("/opt/python3.12" in shown) == home.is_relative_to("/opt")
        else:
            with pytest.raises(BadInput, match="make it from another Python"):
                bwrap.interpreter(folder)


def test_a_venv_that_was_changed_later_does_not_choose_what_of_the_host_is_shown(tmp_path: Path) -> None:
    folder = tmp_path / "image" / "venv"
    (folder / "bin").mkdir(parents=True)
    (folder.parent / bwrap.PREFIXES).write_text("/opt/python3.12\n")
    (folder / "pyvenv.cfg").write_text("home = /root/.ssh/bin\n")
    (folder / "bin" / "python").symlink_to("/etc/secrets/bin/python")
    shown = bwrap.interpreter(folder)
    assert shown == ["--ro-bind", str(folder), str(folder), "--ro-bind", "/opt/python3.12", "/opt/python3.12"]


def verdict(program: bytes, number: int, architecture: int, second: int = 0) -> int:
    """What the kernel would make of a call: the filter, interpreted."""
    data = {0: number, 4: architecture, 24: second}
    steps = list(struct.iter_unpack("=HBBI", program))
    at, accumulator = 0, 0
    while True:
        code, true, false, value = steps[at]
        if code == seccomp.RETURN:
            return value
        if code == seccomp.LOAD:
            accumulator = data[value]
        else:
            held = accumulator == value if code == seccomp.JUMP_EQUAL else accumulator >= value
            at += true if held else false
        at += 1


@pytest.mark.parametrize("machine", seccomp.ARCHITECTURES)
def test_the_filter_denies_what_it_says_and_nothing_else(machine: str) -> None:
    program = seccomp.program(machine)
    assert program
    column, architecture = seccomp.ARCHITECTURES[machine]
    denied = {numbers[column] for numbers in seccomp.DENIED.values()}
    assert len(denied) == len(seccomp.DENIED)
    found = {number for number in range(500) if verdict(program, number, architecture) != seccomp.ALLOW}
    assert found == denied
    trace = seccomp.PTRACE[column]
    assert verdict(program, trace, architecture, 1) == seccomp.EPERM
    assert verdict(program, trace, architecture, 2) == seccomp.ALLOW
    assert verdict(program, 0, 0x40000003) == seccomp.ENOSYS  # i386
    assert verdict(program, seccomp.X32 + 1, architecture) == seccomp.ENOSYS


def test_an_unknown_machine_has_no_filter() -> None:
    assert seccomp.program("riscv64") is None
