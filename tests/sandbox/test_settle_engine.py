"""What a failed build teaches, on a real engine: a header that Debian has, and a module that the tests import."""

import os
import uuid
from pathlib import Path

import pytest
from docker_image import engine, find_image

from sandbox import open_sandbox
from sandbox.base_image import Bases
from sandbox.cache import Cache
from sandbox.discovery.detect import detect
from sandbox.discovery.recipe import Recipe
from sandbox.docker_store import KEPT, DockerStore, by_command
from sandbox.settle import settle
from sandbox.testrun import run_tests

pytestmark = pytest.mark.docker

SETUP = """
from setuptools import Extension, setup

setup(name="naming", version="1", py_modules=[], ext_modules=[Extension("naming", ["naming.c"], libraries=["uuid"])])
"""
EXTENSION = """
#include <Python.h>
#include <uuid/uuid.h>

static PyObject *name(PyObject *self, PyObject *none) {
    uuid_t made;
    char text[37];
    uuid_generate(made);
    uuid_unparse(made, text);
    return PyUnicode_FromString(text);
}
static PyMethodDef methods[] = {{"name", name, METH_NOARGS, ""}, {NULL, NULL, 0, NULL}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "naming", "", -1, methods};
PyMODINIT_FUNC PyInit_naming(void) { return PyModule_Create(&module); }
"""
TEST = "import six\nimport naming\n\n\ndef test_name():\n    assert isinstance(naming.name(), six.text_type)\n"


def test_a_missing_header_and_a_missing_test_requirement_are_found_out(tmp_path: Path) -> None:
    tree, told = tmp_path / "tree", list[str]()
    for name, text in {"setup.py": SETUP, "naming.c": EXTENSION, "tests/test_naming.py": TEST}.items():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text(text)
    found = settle(tree, detect(tree), "docker", cache=tmp_path / "cache", tell=told.append)
    assert [(item.kind, item.value) for item in found.learned] == [("system", "uuid-dev"), ("requirement", "six")]
    with open_sandbox(found.image) as sandbox:
        report = run_tests(sandbox, found.recipe.test_command, timeout=120)
    assert report.ids("passed") == {"tests/test_naming.py::test_name"}
    made = len(told)
    again = settle(tree, detect(tree), "docker", cache=tmp_path / "cache", tell=told.append)
    assert (again.image, again.learned) == (found.image, found.learned)
    assert len(told) == made, "what was learned is known the next time, and nothing is made"


def test_images_that_others_stand_on_go_when_they_are_the_longest_unused(tmp_path: Path) -> None:
    used, stale = Cache(tmp_path / "docker" / "system"), f"stale-{uuid.uuid4().hex}"
    keys = [stale, *(f"newer-{number}" for number in range(KEPT - 1))]
    for age, key in enumerate(keys):
        used.begin(key)
        used.finish(key)
        os.utime(tmp_path / "docker" / "system" / f"{key}.done", (1000 + age, 1000 + age))
    with engine() as client:
        client.images.get(find_image().ref).tag("solve/system", stale)
        DockerStore(tmp_path, Recipe("python", system=("uuid-dev",)), Bases(), print)
        assert not client.images.list(f"solve/system:{stale}")
    assert stale not in used.keys()  # noqa: SIM118 (no mapping)
    assert len(used.keys()) == KEPT


@pytest.mark.parametrize(
    ("said", "by"),
    [
        ("The command '/bin/sh -c python -m pip install' returned a non-zero code: 1", True),
        ('error building at STEP "RUN pip": while running runtime: exit status 1', True),
        ('process "/bin/sh -c pip" did not complete successfully: exit code: 1', True),
        ("No such image: sha256:0b1", False),
        ("layer does not exist", False),
        ("write /var/lib/x: no space left on device", False),
    ],
)
def test_whose_fault_it_is_that_a_build_ended(said: str, by: bool) -> None:
    assert by_command(said) is by
