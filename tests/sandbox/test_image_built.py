"""Real images of small repositories, hostile ones among them, from a package index of this machine."""

import os
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, urlsplit

import docker
import pytest
from docker_image import find_image, top_group
from engine_proxy import EngineProxy
from local_index import INSTALLED, LocalIndex

from sandbox import open_sandbox
from sandbox.api import BadInput, BuildFailed, Image, ImageUnavailable
from sandbox.base_image import MADE, SETTING, Bases, base_image, present
from sandbox.cache import Cache
from sandbox.discovery.detect import detect
from sandbox.discovery.recipe import Recipe
from sandbox.engine import connect
from sandbox.image import build

pytestmark = pytest.mark.docker

PYPROJECT = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
[project]
name = "odd"
version = "1.0"
dependencies = ["source-only"]
[project.scripts]
odd = "odd:main"
[dependency-groups]
test = ["pytest"]
[tool.pytest.ini_options]
filterwarnings = ["error"]
"""
# What runs while the repository is built: it looks around.
HOOK = """
import os, socket
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

class Hook(BuildHookInterface):
    def initialize(self, version, build_data):
        seen = [f"HOST {os.path.exists(%r)}", "SECRET " + os.environ.get("SOLVE_TEST_SECRET", "none")]
        try:
            socket.create_connection(("127.0.0.1", %d), 2)
            seen.append("NETWORK open")
        except OSError:
            seen.append("NETWORK none")
        open("seen.txt", "w").write("\\n".join(seen))
"""
FILES = {
    "pyproject.toml": PYPROJECT + '[tool.hatch.build.targets.wheel.hooks.custom]\npath = "hook.py"\n',
    "odd.py": "def main():\n    print('from the tree')\n",
    "test_odd.py": "import odd\nimport source_only\n\ndef test_odd(capsys):\n    odd.main()\n"
    "    assert capsys.readouterr().out == 'from the tree\\n'\n",
}
SOURCE_ONLY = {
    "pyproject.toml": PYPROJECT.replace('"odd"', '"source_only"').replace("odd:main", "source_only:main")
    .replace('["source-only"]', "[]"),
    "source_only.py": "def main(): ...\n",
}  # fmt: skip


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an index with a build back end, pytest, and a project that was never released as a wheel."""
    index = LocalIndex(tmp_path_factory.mktemp("index"))
    index.add_installed(*INSTALLED)
    index.add_sdist("source_only", "1.0", SOURCE_ONLY)
    with index.served() as address:
        yield address


@pytest.fixture(autouse=True)
def only_this_machine(site: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", site)
    for name in ("PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """What was made under it is removed again, from the engine too."""
    folder = tmp_path_factory.mktemp("cache")
    yield folder
    client = connect()
    for kind in ("env", "deps"):
        for key in Cache(folder / "docker" / kind).keys():  # noqa: SIM118 (no mapping)
            client.images.remove(f"solve/{kind}:{key}", force=True)
    client.close()


@pytest.fixture(params=["docker", "bubblewrap"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def repository(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).write_text(text)
    return folder


def built(tree: Path, kind: str, cache: Path) -> Image:
    return build(tree, detect(tree), kind, cache=cache, tell=print)


def test_a_repository_with_everything_odd(
    tmp_path: Path, kind: str, cache: Path, site: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOLVE_TEST_SECRET", "leaked")
    tree = repository(tmp_path, FILES | {"hook.py": HOOK % (str(tmp_path), urlsplit(site).port)})
    image = built(tree, kind, cache)
    with open_sandbox(image) as sandbox:
        assert sandbox.read("seen.txt").decode().splitlines() == ["HOST False", "SECRET none", "NETWORK none"]
        tests = sandbox.exec(["python", "-m", "pytest", "-q"], timeout=120)
        assert tests.ok, tests.text()
        assert sandbox.exec(["odd"]).stdout == b"from the tree\n"
        sandbox.write("odd.py", b"def main():\n    print('patched')\n")
        assert sandbox.exec(["odd"]).stdout == b"patched\n"
        assert sandbox.exec(["id", "-u"]).stdout == b"1000\n"
    start = time.monotonic()
    assert built(tree, kind, cache) == image
    assert time.monotonic() - start < 2


def test_a_build_that_fails_says_so_in_its_own_words(tmp_path: Path, kind: str, cache: Path) -> None:
    hook = "raise RuntimeError('needs a wizard')\n"
    tree = repository(tmp_path, FILES | {"hook.py": hook})
    with pytest.raises(BuildFailed, match="needs a wizard") as failure:
        built(tree, kind, cache)
    assert failure.value.step == "repository"


def test_nothing_to_install(tmp_path: Path, kind: str, cache: Path) -> None:
    tree = repository(
        tmp_path, {"plain.py": "A = 1\n", "requirements-dev.txt": "pytest\n--index-url http://evil.invalid/\n"}
    )
    (tree / ".dockerignore").write_text("*\n")
    with open_sandbox(built(tree, kind, cache)) as sandbox:
        assert sandbox.exec(["python", "-c", "import plain; print(plain.A)"], cwd="/tmp").stdout == b"1\n"


def test_images_are_built_under_the_cgroup_that_is_set(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    group = top_group()
    with EngineProxy(tmp_path / "engine.sock") as proxy:
        monkeypatch.setenv("DOCKER_HOST", proxy.url)
        monkeypatch.setenv("SOLVE_CGROUP_PARENT", group)
        built(repository(tmp_path, {"heavy.py": "A = 1\n", "requirements-dev.txt": "pytest\n"}), "docker", cache)
    asked = b"".join(proxy.asked).splitlines()
    builds = [line for line in asked if line.startswith(b"POST ") and b"/build?" in line]
    assert builds
    assert all(f"cgroupparent={quote(group, safe='')}".encode() in line for line in builds)


def test_no_base_image_and_no_registry_is_said_at_once() -> None:
    start = time.monotonic()
    client = connect()
    with pytest.raises(ImageUnavailable, match=r"nothing:3\.11 is not here .* SOLVE_BASE_IMAGES"):
        base_image(client, "", print, Bases(("127.0.0.1:9/nothing:{python}", "solve/nothing:{python}")))
    with pytest.raises(ImageUnavailable, match="`make base-image`"):
        base_image(client, "", print, Bases(("127.0.0.1:9/nothing:{python}", MADE), ("2.7",)))
    client.close()
    assert time.monotonic() - start < 15


def test_base_images_are_a_setting_of_the_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"solve/test-{uuid.uuid4().hex[:12]}"
    said = Bases.of({SETTING: f" 127.0.0.1:9/none:{{python}}, {name}:py{{python}}-own,"})
    client = connect()
    client.images.get(find_image().ref).tag(name, "py3.9-own")
    try:
        assert base_image(client, ">=3.8", print, said).ref == f"{name}:py3.9-own"
        assert base_image(client, ">=3.8", print, said).python == "3.9"
        assert present(client, said) == [f"{name}:py3.9-own"]
        with pytest.raises(ImageUnavailable, match=r"127\.0\.0\.1:9/none:3\.11 is not here"):
            base_image(client, ">=3.10", print, said)
    finally:
        client.images.remove(f"{name}:py3.9-own")
        client.close()
    monkeypatch.setenv(SETTING, "debian:bookworm")
    with pytest.raises(BadInput, match=r"SOLVE_BASE_IMAGES: debian:bookworm .* write {python}"):
        build(tmp_path, Recipe("python"), "docker", cache=tmp_path / "cache", tell=print)


def test_no_base_image_of_that_python() -> None:
    client = connect()
    with pytest.raises(ImageUnavailable, match=">=4"):
        base_image(client, ">=4", print)
    client.close()


def test_building_leaves_no_stage_behind(tmp_path: Path, cache: Path) -> None:
    """Of its own: a build that another program has under way keeps what it stands on."""
    client: docker.DockerClient = connect()
    filters = {"dangling": True, "label": "solve.image=stage"}
    before = {image.id for image in client.images.list(filters=filters)}
    built(repository(tmp_path, {"left.py": "A = 1\n", "requirements-dev.txt": "pytest\n"}), "docker", cache)
    assert {image.id for image in client.images.list(filters=filters)} <= before
    client.close()
