"""The one way the host runs git: nothing that a repository brings along is executed.

Hooks, filters, file-system monitors, external diffs, credential helpers, and the person's and the system's settings
are off; only https, http and ssh are spoken; nothing prompts; every call ends in bounded time. The git directory is
always named, never searched for; so another owner's may be read, too. Needs git 2.32.
"""

import os
import signal
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sandbox.api import NO_ENV, SandboxError, SandboxUnavailable

# Variables of the host that reach git. HOME and the agent's socket are for ssh; the rest finds and trusts a proxy.
INHERITED = frozenset(
    [
        "PATH",
        "HOME",
        "TMPDIR",
        "USER",
        "LOGNAME",
        "SSH_AUTH_SOCK",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "CURL_CA_BUNDLE",
        "GIT_SSL_CAINFO",
        "http_proxy",
        "https_proxy",
        "no_proxy",
        "all_proxy",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "NO_PROXY",
        "ALL_PROXY",
    ]
)
SETTINGS: Mapping[str, str] = {
    "core.hooksPath": os.devnull,
    "core.fsmonitor": "false",
    "core.untrackedCache": "false",
    "core.attributesFile": os.devnull,
    "core.excludesFile": os.devnull,
    "core.autocrlf": "false",
    "core.safecrlf": "false",
    "core.logAllRefUpdates": "false",
    "core.protectHFS": "true",
    "core.protectNTFS": "true",
    "core.quotePath": "true",
    "core.pager": "cat",
    "core.askPass": "",
    "credential.helper": "",
    "submodule.recurse": "false",
    "fetch.recurseSubmodules": "false",
    "fetch.unpackLimit": "1",  # keep what is fetched as the one pack it came in
    "gc.auto": "0",
    "maintenance.auto": "false",
    "commit.gpgSign": "false",
    "init.templateDir": "",
    "http.lowSpeedLimit": "1",
    "http.lowSpeedTime": "60",
}
ENVIRONMENT: Mapping[str, str] = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_ALLOW_PROTOCOL": "https:http:ssh",
    "GIT_SSH_COMMAND": "ssh -oBatchMode=yes -oConnectTimeout=20",
    "GIT_PAGER": "cat",
}
# Highest in precedence, so that no `.gitattributes` of the tree changes a byte or hides a difference.
VERBATIM = b"* -text -filter -ident !eol !working-tree-encoding !diff !merge !export-ignore !export-subst\n"

# Of commits that this program makes of a tree alone: the same for each, so that equal trees give equal commits.
IDENTITY = {
    f"GIT_{role}_{key}": value
    for role in ("AUTHOR", "COMMITTER")
    for key, value in (("NAME", "solve"), ("EMAIL", "solve@localhost"), ("DATE", "2000-01-01T00:00:00Z"))
}

MISSING = "git was not found on PATH: apt-get install git"


class GitFailed(SandboxError, RuntimeError):
    """A git command ended with an error. The caller knows whose fault that is; `str()` is git's own first complaint."""

    def __init__(self, command: str, status: int, stderr: str) -> None:
        lines = [line.strip() for line in stderr.splitlines() if line.strip()]
        told = [line for line in lines if line.startswith(("fatal: ", "error: ", "ssh: "))] or lines
        first = told[0].removeprefix("fatal: ").removeprefix("error: ") if told else f"exit status {status}"
        super().__init__(f"git {command}: {first}")
        self.status = status
        self.stderr = stderr


def gitpython() -> Any:
    """The library, loaded when it is needed: importing it runs `git version`.

    Raises:
        SandboxUnavailable: there is no git.
    """
    try:
        import git
    except ImportError as error:
        raise SandboxUnavailable(MISSING) from error
    return git


@dataclass(frozen=True, slots=True)
class HostGit:
    """Git on one git directory of the host. `index`, `objects` and `alternates` stand in for the directory's own."""

    git_dir: Path
    work_tree: Path | None = None
    index: Path | None = None
    objects: Path | None = None  # read from and written to
    alternates: tuple[Path, ...] = ()  # only read from
    settings: Mapping[str, str] = field(default_factory=dict)  # beside SETTINGS; never on a command line

    def __call__(
        self, *arguments: str, stdin: bytes = b"", timeout: float = 120.0, environment: Mapping[str, str] = NO_ENV
    ) -> bytes:
        """Standard output of one git command; `timeout` in seconds.

        Raises:
            GitFailed: git ended with an error.
            SandboxUnavailable: git is missing or too slow, or the disk is full.
        """
        with tempfile.TemporaryFile() as source:
            source.write(stdin)
            source.seek(0)
            status, stdout, stderr = (
                gitpython()
                .cmd.Git(self.work_tree or self.git_dir)
                .execute(
                    self._argv(arguments, given := {**self._environment(), **environment}),
                    istream=source,
                    env=given,
                    kill_after_timeout=timeout,
                    with_extended_output=True,
                    with_exceptions=False,
                    stdout_as_string=False,
                    strip_newline_in_stdout=False,
                )
            )
        if status == -signal.SIGKILL and stderr.startswith("Timeout:"):
            raise SandboxUnavailable(f"git {arguments[0]} took longer than {timeout:g} s and was stopped")
        self._check(arguments[0], status, stderr)
        return bytes(stdout)

    def watched(self, *arguments: str, on_line: Callable[[str], None], timeout: float) -> None:
        """Run a command that tells its progress on standard error, line by line. Raises as a plain call."""
        library = gitpython().cmd
        process = library.Git(self.work_tree or self.git_dir).execute(
            self._argv(arguments, given := self._environment()), env=given, as_process=True, universal_newlines=True
        )
        said: list[str] = []

        def hear(line: str) -> None:
            said.append(line)
            del said[:-200]
            on_line(line)

        library.handle_process_output(process, None, hear, decode_streams=False, kill_after_timeout=timeout)
        if process.proc is None:  # GitPython's sign that it killed it
            raise SandboxUnavailable(f"git {arguments[0]} took longer than {timeout:g} s and was stopped")
        self._check(arguments[0], process.proc.wait(), "".join(said))

    def text(self, *arguments: str, stdin: bytes = b"") -> str:
        """Standard output as one stripped line of text: object names and the like."""
        return os.fsdecode(self(*arguments, stdin=stdin)).strip()

    def records(self, *arguments: str, stdin: Iterable[bytes] = ()) -> list[bytes]:
        """NUL-separated output (ask for `-z`) of a command that is fed NUL-separated input."""
        return [
            item for item in self(*arguments, stdin=b"".join(b"%s\0" % item for item in stdin)).split(b"\0") if item
        ]

    @staticmethod
    def _argv(arguments: tuple[str, ...], given: Mapping[str, str]) -> list[str]:
        # GitPython hands down all of os.environ and can add to it, but not take away: env(1) takes away.
        unwanted = sorted(os.environ.keys() - INHERITED - given.keys())
        return ["env", *(part for name in unwanted for part in ("-u", name)), "git", *arguments]

    def _environment(self) -> dict[str, str]:
        settings = {**SETTINGS, **self.settings}
        if "SSL_CERT_FILE" in os.environ and "GIT_SSL_CAINFO" not in os.environ:
            settings["http.sslCAInfo"] = os.environ["SSL_CERT_FILE"]  # a git linked with GnuTLS does not look there
        places = {
            "GIT_DIR": self.git_dir,
            "GIT_WORK_TREE": self.work_tree,
            "GIT_INDEX_FILE": self.index,
            "GIT_OBJECT_DIRECTORY": self.objects,
        }
        environment = {**ENVIRONMENT, **{name: str(place) for name, place in places.items() if place is not None}}
        if self.alternates:
            environment["GIT_ALTERNATE_OBJECT_DIRECTORIES"] = os.pathsep.join(map(str, self.alternates))
        environment["GIT_CONFIG_COUNT"] = str(len(settings))
        for number, (key, value) in enumerate(settings.items()):
            environment[f"GIT_CONFIG_KEY_{number}"] = key
            environment[f"GIT_CONFIG_VALUE_{number}"] = value
        return environment

    @staticmethod
    def _check(command: str, status: int, stderr: str) -> None:
        if status == 127:  # env(1) found no git
            raise SandboxUnavailable(MISSING)
        if status and "No space left on device" in stderr:
            raise SandboxUnavailable(f"git {command}: the disk is full")
        if status:
            raise GitFailed(command, status, stderr)


def persons_setting(key: str) -> str:
    """A value of the person's own global configuration, read and not acted upon; empty where there is none."""
    for name in ("~/.gitconfig", "~/.config/git/config"):
        file = Path(name).expanduser()
        if file.is_file():
            try:
                return HostGit(file.parent).text("config", "--file", str(file), "--includes", "--get", key)
            except GitFailed:
                continue  # not set there
    return ""
