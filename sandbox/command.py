"""One command as the text that a POSIX shell runs: any bytes in arguments, environment and standard input."""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

SHORT_INPUT = 32 * 1024  # bytes of standard input that fit a pipe whoever reads it, so that the shell never waits
NAME = re.compile(rb"[A-Za-z_][A-Za-z0-9_]*")
# Variables that some shell gives a meaning or makes read-only: they are set by env(1), outside the shell.
SPECIAL = frozenset(
    b"BASHOPTS BASH_VERSINFO EUID GROUPS IFS LINENO OPTARG OPTIND OLDPWD PPID PS4 PWD SHELLOPTS UID".split()
)


@dataclass(frozen=True, slots=True)
class Command:
    """What to run, all in bytes: argument vector, folder, environment, standard input."""

    argv: tuple[bytes, ...]
    cwd: bytes
    env: tuple[tuple[bytes, bytes], ...]
    stdin: bytes

    @classmethod
    def of(cls, command: Sequence[str] | str, cwd: str, env: Mapping[str, str], stdin: bytes) -> "Command":
        """A string is for `/bin/sh -c`. Text is encoded as file names are.

        Raises:
            ValueError: an empty argv, a NUL, or a name of an environment variable that cannot be.
        """
        argv = ("/bin/sh", "-c", command) if isinstance(command, str) else tuple(command)
        made = cls(
            tuple(os.fsencode(word) for word in argv),
            os.fsencode(cwd),
            tuple((os.fsencode(name), os.fsencode(value)) for name, value in env.items()),
            stdin,
        )
        if not argv:
            raise ValueError("a command needs at least one word")
        if any(b"\0" in word for word in (*made.argv, made.cwd, *(part for pair in made.env for part in pair))):
            raise ValueError("a command, its folder and its environment cannot hold a NUL byte")
        if any(not name or b"=" in name for name, _ in made.env):
            raise ValueError("the name of an environment variable is empty or holds '='")
        return made

    def text(self, env: bytes) -> bytes:
        """Shell text that becomes the command, by way of `begin` in channel.sh; `env` is the path of env(1).

        Nothing of the command is ever anything but a quoted word.
        """
        plain = [pair for pair in self.env if NAME.fullmatch(pair[0]) and pair[0] not in SPECIAL]
        odd = [pair for pair in self.env if pair not in plain]
        parts = [b"begin " + quoted(self.cwd)]
        parts += [b"export " + name + b"=" + quoted(value) for name, value in plain]
        words = [b"exec"]
        if odd:
            words += [quoted(env), *(quoted(name + b"=" + value) for name, value in odd)]
        words += [quoted(word) for word in self.argv]
        return b"; ".join((*parts, b" ".join(words)))

    def short_input(self) -> bytes:
        """Shell text that feeds standard input to what follows."""
        return b"printf " + quoted(octal(self.stdin)) + b" | " if self.stdin else b""


def quoted(word: bytes) -> bytes:
    """One word for a POSIX shell, whatever its bytes."""
    return b"'" + word.replace(b"'", b"'\\''") + b"'"


def octal(data: bytes) -> bytes:
    """A format of printf(1) that prints `data`."""
    return data.decode("latin-1").translate(_ESCAPES).encode("ascii")


_PLAIN = frozenset(b'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ ./_:,;(){}[]<>=+*#@!?"\n')
_ESCAPES = {byte: f"\\{byte:03o}" for byte in range(256) if byte not in _PLAIN}
