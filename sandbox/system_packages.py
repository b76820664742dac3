"""A base image with more of Debian in it, kept under what it was made from.

The one step of an image's making that has a network and runs programs as root, so nothing of a repository is there
yet: only names of packages, and each is one by Debian's policy.
"""

import hashlib
import json
from collections.abc import Sequence

from sandbox.api import BadInput
from sandbox.bake import Step, bake, baked
from sandbox.base import Base
from sandbox.discovery.script import PACKAGE
from sandbox.store import Tell

INSTALL = """
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends -- {} >/dev/null
rm -rf /var/lib/apt/lists/* /var/cache/apt/archives/*.deb
"""


def with_packages(base: Base, packages: Sequence[str], tell: Tell) -> Base:
    """The base with these Debian packages.

    Raises:
        BadInput: one is no name of a package.
        BuildFailed: apt did not install them; its last lines are in it.
        ImageUnavailable, SandboxUnavailable: as `sandbox.bake.bake`.
    """
    names = sorted(set(packages))
    if not names:
        return base
    odd = next((name for name in names if not PACKAGE.fullmatch(name)), None)
    if odd is not None:
        raise BadInput(f"{odd!r} is no Debian package's name: see `solve doctor --repo`")
    key = hashlib.sha256(json.dumps([base.id, names]).encode()).hexdigest()[:24]
    tag = f"solve/system:{key}"
    image = baked(tag, {}, "/")
    if image is None:
        tell(f"system packages: installing {', '.join(names)} from Debian")
        image = bake(base.id, tag, [Step("system packages", INSTALL.format(" ".join(names)), network=True)], {}, "/")
    return Base(tag, image.ref, base.python)
