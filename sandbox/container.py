"""One hardened container, as its engine sees it: start, exec, archives in and out, why it is gone, removal."""

import tarfile
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from functools import cache
from typing import IO, Any

from docker.errors import APIError, ImageNotFound, NotFound
from docker.types import LogConfig, Ulimit

from sandbox.api import MEBIBYTE, Image, ImageUnavailable, Limits, Owner, SandboxError, SandboxUnavailable
from sandbox.engine import address, answers, cgroup_parent, connect, knock
from sandbox.environment import inherited, placed
from sandbox.labels import Labels
from sandbox.line import Line

UID = GID = 1000  # of commands; images have the worktree owned by it
USER = f"{UID}:{GID}"
# The container's main process has a user of its own: nothing that runs inside can signal it, so that `kill -9 -1`
# from a hostile test ends no machine, and one kill(2) of everything ends all that commands left, without a race.
KEEPER = "65534:65534"
PATIENCE = 20.0  # seconds beyond its deadline after which the engine under a running sandbox is taken for wedged
HURRY = 10.0  # seconds that `remove` waits; what the engine does not manage then is the janitor's
SHARED_MEMORY = 256 * MEBIBYTE
HOME = {"HOME": "/tmp", "USER": "solve", "LOGNAME": "solve"}  # noqa: S108 (inside)


class Container:
    """A started container. Its writable layer and its processes are gone after `remove`."""

    def __init__(self, image: Image, limits: Limits, owner: Owner) -> None:
        """
        Raises:
            ImageUnavailable: the engine does not have the image.
            SandboxUnavailable: the engine does not answer or refuses.
        """
        self._address = address()
        self._client = connect()
        self._api = self._client.api
        self.id = ""
        try:
            self.id = self._create(image, limits, owner)
            with answers("the container does not start"):
                self._api.start(self.id)
            self._api.timeout = PATIENCE
        except BaseException:
            self.remove()
            raise

    def _create(self, image: Image, limits: Limits, owner: Owner) -> str:
        with answers("the container cannot be made"):
            try:
                made = self._api.create_container(
                    image.ref,
                    entrypoint=["/bin/sh", "-c", f"exec sleep {limits.lifetime:.0f}"],
                    user=KEEPER,
                    working_dir=image.workdir,
                    environment=HOME | inherited() | placed(image.env, image.workdir),
                    labels=Labels.mine(owner, limits).text(),
                    stop_timeout=1,
                    host_config=self._hardened(limits),
                )
            except ImageNotFound as error:
                raise ImageUnavailable(
                    f"image {image.ref} is not in the engine: build it anew, `docker pull` it, or `make base-image`"
                ) from error
        return str(made["Id"])

    def _hardened(self, limits: Limits) -> Any:
        """No host mount, no network, no capability, no way to more rights; every resource has a limit."""
        cpus = min(limits.cpus, processors(self._address))  # the engine refuses more than it has
        return self._api.create_host_config(
            init=True,
            network_mode="none",
            cap_drop=["ALL"],
            security_opt=["no-new-privileges"],
            pids_limit=limits.processes,
            mem_limit=limits.memory,
            memswap_limit=limits.memory,
            nano_cpus=int(cpus * 1e9),
            ulimits=[
                Ulimit(name="nofile", soft=limits.open_files, hard=limits.open_files),
                Ulimit(name="core", soft=0, hard=0),
                Ulimit(name="fsize", soft=limits.file_size, hard=limits.file_size),
            ],
            tmpfs={"/tmp": f"rw,exec,nosuid,nodev,mode=1777,size={limits.tmp}"},  # noqa: S108 (inside)
            shm_size=SHARED_MEMORY,
            cgroup_parent=cgroup_parent(),
            log_config=LogConfig(type="none"),
        )

    def attach(self, channel: str) -> tuple[str, Line]:
        """Start `/bin/sh` as the sandbox's user; returns the engine's id of it and the line to it."""
        with self._asking("the engine starts no command"):
            try:
                made = self._api.exec_create(
                    self.id, ["/bin/sh"], stdin=True, user=USER, workdir="/", environment={"SOLVE_CHANNEL": channel}
                )
                return made["Id"], Line(self._api.exec_start(made["Id"], socket=True))
            except APIError:
                self.check()
                raise

    def exit_code(self, exec_id: str) -> int | None:
        """What the engine knows of a command of its own: None while it runs."""
        with self._asking("the engine does not say how the command ended"):
            state = self._api.exec_inspect(exec_id)
        return None if state["Running"] else state["ExitCode"]

    def check(self) -> None:
        """Raises SandboxUnavailable, with the reason, unless the container runs."""
        with self._asking("the engine is gone"):
            try:
                state = self._api.inspect_container(self.id)["State"]
            except NotFound as error:
                raise SandboxUnavailable("the container was removed from outside") from error
        if not state["Running"] or state["Status"] == "removing":
            reason = "out of memory" if state["OOMKilled"] else f"ended or killed from outside ({state['ExitCode']})"
            raise SandboxUnavailable(f"the container is gone: {reason}")

    def restart(self) -> None:
        """End everything inside, by the engine; what was in memory (/tmp) is lost, the worktree stays."""
        with self._asking("the container does not restart"):
            self._api.kill(self.id)  # step by step, since each may take its time when code inside takes all processors
            self._api.wait(self.id)
            self._api.start(self.id)

    def fetch(self, path: str) -> IO[bytes]:
        """The tree at `path` as the engine reads it, whatever its modes: a tar archive in a temporary file."""
        spool = tempfile.TemporaryFile()  # noqa: SIM115 (the caller's)
        try:
            with self._asking(f"the engine does not read {path}"):
                for chunk in self._api.get_archive(self.id, path)[0]:
                    spool.write(chunk)
        except BaseException:
            spool.close()
            raise
        spool.seek(0)
        return spool

    def store(self, folder: str, archive: IO[bytes]) -> None:
        """Unpack a tar archive into a folder, as the engine writes it: owners and modes as in the archive."""
        with self._asking(f"the engine does not write {folder}"):
            self._api.put_archive(self.id, folder, archive)

    def own(self, path: str, parent: str) -> None:
        """Give the tree at `path` to the sandbox's user.

        By archive: inside nobody may chown, and a program of the image must not be run with the right to do so.
        """
        with self.fetch(path) as before, tempfile.TemporaryFile() as after:
            rewrite(before, after, owned)
            self.store(parent, after)

    @contextmanager
    def _asking(self, what: str) -> Iterator[None]:
        """As `answers`, after a look whether the engine is there at all."""
        with answers(what):
            knock(self._address)
            yield

    def remove(self) -> None:
        """Remove it; a container or an engine that is already gone is no error."""
        self._api.timeout = HURRY
        with suppress(SandboxError), self._asking("the container is not removed"):
            if self.id:
                with suppress(NotFound):
                    self._api.remove_container(self.id, force=True, v=True)
        self._client.close()


@cache
def processors(url: str) -> float:
    """How many the engine at `url` has. Asked once: the answer takes it longer than to make a container."""
    with answers("the engine does not say what it has"), closing(connect()) as client:
        return float(client.info()["NCPU"])


def owned(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """The member as the sandbox's user's. (What podman reads it gives to the container's main user.)"""
    member.uid, member.gid = UID, GID
    member.uname = member.gname = ""
    return member


def rewrite(before: IO[bytes], after: IO[bytes], change: Callable[[tarfile.TarInfo], tarfile.TarInfo | None]) -> None:
    """Copy an archive member by member as `change` gives it, without those it has None for; `after` is rewound."""
    with tarfile.open(fileobj=before, mode="r|") as source, tarfile.open(fileobj=after, mode="w|") as target:
        for member in source:
            if changed := change(member):
                target.addfile(changed, source.extractfile(member) if member.isreg() else None)
            source.members = []  # type: ignore[attr-defined]  # as in `pack`: it would keep every member in memory
            target.members = []  # type: ignore[attr-defined]
    after.seek(0)
