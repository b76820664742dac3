"""Requirements → a folder of wheels, fetched on the host without running anything of them.

pip downloads with the user's own settings (index, credentials, proxy, certificates), and only wheels: unpacking one
runs none of its code, while the mere metadata of a source distribution may. So sandboxes need neither network nor
credentials. pip evaluates environment markers for the Python it runs on; where the target is another one,
`missing` says which requirements that left out, and they are fetched too.
"""

import email.parser
import hashlib
import json
import os
import platform
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.markers import default_environment
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename

from sandbox.api import MEBIBYTE, BuildFailed, NetworkUnavailable

SECONDS = 900.0  # for one run of pip
TRIES = 12  # downloads, each after one more requirement became known
TAIL = 25  # lines of a failure that are worth showing
GLIBC = (2, 36)  # of the oldest base image, Debian bookworm
_UNREACHED = re.compile(r"NewConnectionError|NameResolutionError|ConnectTimeoutError|ReadTimeoutError|ProxyError")
_NO_WHEEL = re.compile(r"No matching distribution found for (\S+)")
BuildWheel = Callable[[Requirement, Path], None]  # puts a wheel of a source distribution into the folder


@dataclass(frozen=True, slots=True)
class Target:
    """The Python that the wheels are for."""

    python: str  # "3.11"
    machine: str = platform.machine()
    container: bool = True  # Linux in a container; else this very system

    def options(self) -> list[str]:
        """pip's options that choose wheels for it."""
        if not self.container and self.python == host_python():
            return []
        abi = f"cp{self.python.replace('.', '')}"
        options = ["--python-version", self.python, "--implementation", "cp"]
        options += [word for name in (abi, "abi3", "none") for word in ("--abi", name)]
        return options + [word for name in self._platforms() for word in ("--platform", name)]

    def environment(self) -> dict[str, str]:
        """The values of environment markers there."""
        values = {key: str(value) for key, value in default_environment().items()}
        if self.python != host_python():
            full = f"{self.python}.0"
            values |= {"python_version": self.python, "python_full_version": full, "implementation_version": full}
        if self.container:
            values |= {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix"}
            values |= {"platform_machine": self.machine, "platform_release": "", "platform_version": ""}
        return values

    def _platforms(self) -> list[str]:
        old = ("manylinux2014", "manylinux2010", "manylinux1")
        new = [f"manylinux_{GLIBC[0]}_{minor}" for minor in range(GLIBC[1], 4, -1)]
        return [f"{name}_{self.machine}" for name in (*new, *old, "linux")]


def host_python() -> str:
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def digest(requirements: Iterable[str], target: Target) -> str:
    parts = (sorted(requirements), target.python, target.machine, target.container)
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def fill(
    folder: Path,
    requirements: Sequence[str],
    target: Target,
    *,
    own: str = "",
    build: BuildWheel,
    tell: Callable[[str], None],
) -> None:
    """Put into `folder` one wheel for each of `requirements` and for all that they require in turn.

    A requirement of which there is no wheel for `target` is handed to `build`. The project's `own` distribution, which
    something else may require, is left out: a newer release of it must not stand beside the tree.

    Raises:
        BuildFailed: at step "dependencies", with pip's last lines.
        NetworkUnavailable: the package index cannot be reached.
    """
    wanted = [Requirement(line) for line in requirements]
    wanted = [item for item in wanted if item.marker is None or item.marker.evaluate({**target.environment()})]
    if not wanted:  # pip takes that for a mistake
        return
    for item in wanted:
        item.marker = None  # it was judged for the target; pip would judge it for its own Python
    built: set[str] = set()
    (folder / "built").mkdir(exist_ok=True)
    for _ in range(TRIES):
        for stale in folder.glob("*.whl"):  # another resolution may have chosen another version
            stale.unlink()
        result = _download(folder, [str(item) for item in wanted], target)
        if result is None:
            more = missing(folder, wanted, target.environment())
            if not more:
                _remove(folder, own)
                return
            if any(item.url for item in more):
                raise BuildFailed("dependencies", f"{more[0]} is required by its address: addresses are refused")
            wanted += more
            continue
        if _UNREACHED.search(result):
            raise NetworkUnavailable("the package index that pip is set up with cannot be reached: see `solve doctor`")
        lacking = _lacking(result)
        if lacking is None or lacking.name in built:
            raise BuildFailed("dependencies", result)
        tell(f"no wheel of {lacking}: building one from its source, without network")
        built.add(lacking.name)
        build(lacking, folder / "built")
        _refuse_addresses(folder / "built")
    raise BuildFailed("dependencies", f"not complete after {TRIES} downloads; still missing: {wanted[-1]}")


def _refuse_addresses(folder: Path) -> None:
    """A wheel that hostile code built may require `name @ address`: pip would fetch that and run its build here."""
    for wheel in folder.glob("*.whl"):
        for item in _requires(wheel):
            if item.url:
                wheel.unlink()
                raise BuildFailed("dependencies", f"{wheel.name} requires {item}: addresses are refused")


def missing(folder: Path, requirements: Iterable[Requirement], environment: Mapping[str, str]) -> list[Requirement]:
    """Requirements, of the given ones and of the wheels in `folder`, that no wheel there answers."""
    wheels = {wheel_name(path): path for path in folder.glob("*.whl")}
    metadata = {name: _requires(path) for name, path in wheels.items()}
    lacking: dict[str, Requirement] = {}
    waiting = [(item, extra) for item in requirements for extra in ("", *item.extras)]
    seen: set[tuple[str, str]] = set()
    while waiting:
        item, extra = waiting.pop()
        name = canonicalize_name(item.name)
        if name not in metadata:
            lacking.setdefault(name, item)
            continue
        if (name, extra) in seen:
            continue
        seen.add((name, extra))
        for inner in metadata[name]:
            if inner.marker is None or inner.marker.evaluate({**environment, "extra": extra}):
                inner_plain = Requirement(str(inner).partition(";")[0])
                waiting += [(inner_plain, wish) for wish in ("", *inner_plain.extras)]
    return list(lacking.values())


def wheel_name(path: Path) -> str:
    """The normalized name of the distribution in a wheel; empty if its file name is none of a wheel."""
    try:
        return parse_wheel_filename(path.name)[0]
    except InvalidWheelFilename:
        return ""


def _download(folder: Path, requirements: Sequence[str], target: Target) -> str | None:
    """None if it went well, else pip's last lines."""
    command = [sys.executable, "-m", "pip", "download", "--only-binary", ":all:", "--dest", str(folder)]
    command += [
        "--find-links",
        str(folder / "built"),
        "--progress-bar",
        "off",
        "--disable-pip-version-check",
        "--no-input",
    ]
    # Each is text that `packaging` wrote: it begins with a name, so none can be an option.
    command += [*target.options(), *requirements]
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=SECONDS, check=False,
            cwd=folder, env={**os.environ, "PYTHONSAFEPATH": "1"},
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise BuildFailed("dependencies", f"pip download took more than {SECONDS:.0f} s") from None
    return None if done.returncode == 0 else _tail(done.stdout)


def _remove(folder: Path, own: str) -> None:
    for path in folder.glob("*.whl"):
        if wheel_name(path) == own:
            path.unlink()


def _tail(output: bytes) -> str:
    lines = output.decode("utf-8", "replace").splitlines()
    # Addresses of an index may hold credentials.
    return re.sub(r"(?<=://)[^/@\s]+@", "***@", "\n".join(lines[-TAIL:]))


def _lacking(output: str) -> Requirement | None:
    match = _NO_WHEEL.search(output)
    try:
        return Requirement(match[1]) if match else None
    except InvalidRequirement:
        return None


def _requires(wheel: Path) -> list[Requirement]:
    try:
        with zipfile.ZipFile(wheel) as archive:
            entry = next(item for item in archive.infolist() if item.filename.endswith(".dist-info/METADATA"))
            if entry.file_size > MEBIBYTE:
                return []
            text = archive.read(entry).decode("utf-8", "replace")
    except (zipfile.BadZipFile, StopIteration, OSError) as error:
        raise BuildFailed("dependencies", f"{wheel.name} is not a wheel: {error}") from error
    lines = email.parser.HeaderParser().parsestr(text).get_all("Requires-Dist", [])
    found = []
    for line in lines:
        try:
            found.append(Requirement(str(line)))
        except InvalidRequirement:  # old metadata; pip could not have asked for it either
            continue
    return found
