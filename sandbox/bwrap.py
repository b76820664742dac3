"""The command line of `bwrap`: which parts of the host a sandbox sees, and how to mend a host that has no sandbox."""

import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

from sandbox.api import BadInput, SandboxUnavailable

HOME = "/home/solve"
PREFIXES = "prefixes.txt"  # beside the venv, one folder a line
ID = "1000"
NAMESPACES = (
    *("--unshare-all", "--unshare-user", "--uid", ID, "--gid", ID, "--hostname", "sandbox"),
    *("--die-with-parent", "--new-session", "--cap-drop", "ALL", "--clearenv"),
)
# Of /etc only what programs look up: how to link, who is who, time, certificates. No host names, no services' settings.
ETC = ("alternatives", "ca-certificates", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "localtime", "mime.types")
ETC_MORE = ("nsswitch.conf", "pki", "protocols", "python3", "services", "ssl/certs", "ssl/openssl.cnf", "timezone")
FILES: Mapping[str, str] = {
    "passwd": f"root:x:0:0:root:/root:/bin/sh\nsolve:x:{ID}:{ID}:solve:{HOME}:/bin/sh\n",
    "group": f"root:x:0:\nsolve:x:{ID}:\n",
    "hosts": "127.0.0.1 localhost sandbox\n::1 localhost\n",
}
# Settings that forbid user namespaces to ordinary users: file, the value that forbids, the command that allows.
FORBIDDING = (
    ("kernel/apparmor_restrict_unprivileged_userns", "1"),
    ("kernel/unprivileged_userns_clone", "0"),
    ("user/max_user_namespaces", "0"),
)
ALLOWING = {"1": "0", "0": "1"}


def system(files: Path) -> list[str]:
    """Arguments for the read-only system; `files` is a host folder that `write_files` has filled."""
    arguments = ["--ro-bind", "/usr", "/usr"]
    for name in ("bin", "sbin", "lib", "lib32", "lib64", "libx32"):
        path = Path("/", name)
        if path.is_symlink():
            arguments += ["--symlink", str(path.readlink()), str(path)]
        elif path.is_dir():
            arguments += ["--ro-bind", str(path), str(path)]
    for name in (*ETC, *ETC_MORE):
        arguments += ["--ro-bind-try", f"/etc/{name}", f"/etc/{name}"]
    for name in FILES:
        arguments += ["--ro-bind", str(files / name), f"/etc/{name}"]
    # Over a read-only /proc nothing of the kernel's can be set, whoever the host takes us for.
    return [*arguments, "--proc", "/proc", "--remount-ro", "/proc", "--dev", "/dev"]


def write_files(folder: Path) -> None:
    folder.mkdir()
    for name, text in FILES.items():
        (folder / name).write_text(text)


def interpreter(venv: Path) -> list[str]:
    """Arguments that show the venv, and the Python it was made from, at the paths its scripts name.

    That Python's folders stand in `PREFIXES` beside the venv, where there is such a file.

    Raises:
        BadInput: that Python's folder holds more than a Python, so that showing it would show a user's files.
    """
    if not venv.is_dir():
        return []
    arguments = ["--ro-bind", str(venv), str(venv)]
    recorded = venv.parent / PREFIXES
    prefixes = [Path(line) for line in recorded.read_text().splitlines()] if recorded.is_file() else prefixes_of(venv)
    for prefix in sorted(set(prefixes)):
        if prefix in (Path.home(), *Path.home().parents) or prefix in venv.parents:
            raise BadInput(f"{venv} was made from a Python in {prefix}, which holds more: make it from another Python")
        arguments += ["--ro-bind", str(prefix), str(prefix)]
    return arguments


def prefixes_of(venv: Path) -> Iterator[Path]:
    """Folders outside the system that the interpreter of a venv needs, as the venv itself says.

    Whoever can write into the venv chooses them: an image's are recorded before anything is installed into it.
    """
    found = re.search(r"^home\s*=\s*(\S.*?)\s*$", (venv / "pyvenv.cfg").read_text(), re.MULTILINE)
    places = [Path(found[1])] if found else []
    places += [place.resolve() for place in places]
    for link in (venv / "bin").glob("python*"):
        if link.is_symlink():
            places.append(link.resolve().parent)
    for place in places:
        if place.name == "bin" and not place.is_relative_to("/usr") and place != Path("/bin"):
            yield place.parent


@cache
def program() -> Sequence[str]:
    """`bwrap` with the arguments that do not depend on the sandbox.

    Raises:
        SandboxUnavailable: it is not installed.
    """
    path = shutil.which("bwrap")
    if path is None:
        raise SandboxUnavailable("bubblewrap is not installed: apt-get install bubblewrap")
    options = subprocess.run([path, "--help"], capture_output=True, text=True, check=False).stdout
    return [path, *NAMESPACES, *(["--disable-userns"] if "--disable-userns" in options else [])]


def unusable(said: str, settings: Path = Path("/proc/sys")) -> str:
    """Why no sandbox comes up, with the one command that mends it; `said` is what bwrap printed."""
    for name, value in FORBIDDING:
        file = settings / name
        if file.exists() and file.read_text().strip() == value:
            allowed = "15000" if "max" in name else ALLOWING[value]
            return f"user namespaces are forbidden here: sysctl -w {name.replace('/', '.')}={allowed}"
    return f"bubblewrap cannot make a sandbox: {said.strip() or 'it said nothing'}"
