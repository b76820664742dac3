"""What a language other than Python needs of Debian, and what its commands find in their environment."""

from collections.abc import Mapping
from dataclasses import dataclass

from sandbox.discovery.recipe import Language

MODULES = "/opt/modules"  # the packages of others, where the language does not say otherwise
CACHES = "/opt/build"  # what compilers keep, out of the worktree


@dataclass(frozen=True, slots=True)
class Toolchain:
    packages: tuple[str, ...]  # the compiler or interpreter, and the C compiler that packages may call
    version: str  # what bookworm has of it
    env: Mapping[str, str]  # in containers: nothing is fetched any more, nothing is written for people at a terminal


TOOLCHAINS: Mapping[Language, Toolchain] = {
    "javascript": Toolchain(
        ("nodejs", "npm"), "18",
        {"CI": "true", "NO_COLOR": "1", "npm_config_offline": "true", "npm_config_update_notifier": "false"},
    ),
    "go": Toolchain(
        ("golang-go", "gcc", "libc6-dev"), "1.19",
        {"GOCACHE": f"{CACHES}/go", "GOMODCACHE": f"{MODULES}/go", "GOPROXY": "off", "GOFLAGS": "-mod=mod",
         "GOTOOLCHAIN": "local"},
    ),
    "rust": Toolchain(
        ("cargo-web", "rustc-web", "gcc", "libc6-dev"), "1.85 or newer",
        {"CARGO_TARGET_DIR": f"{CACHES}/rust", "CARGO_HOME": f"{MODULES}/cargo", "CARGO_NET_OFFLINE": "true"},
    ),
}  # fmt: skip
