"""Advice is hostile text too: what is no name or plain word is refused, and nothing of it reaches a shell as a line."""

import re
import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.api import BadInput
from sandbox.discovery.advice import MOST, RUNNERS, Advice
from sandbox.discovery.recipe import Recipe

WORDS = st.lists(st.text(max_size=12), max_size=4)


def test_what_can_be_used_becomes_changes_of_the_recipe() -> None:
    advice = Advice(("libcap-dev",), ("yarl<2",), ("cython",), "3.9", ("python", "-m", "pytest", "-k", "a.b::c[1]"))
    recipe = Recipe("python", requires_python=">=3.8", requirements=("yarl",))
    for remedy in advice.remedies(recipe):
        recipe = remedy.of(recipe)
    assert (recipe.system, recipe.requirements, recipe.build_requires) == (("libcap-dev",), ("yarl<2",), ("cython",))
    assert recipe.requires_python == ">=3.8,==3.9.*"
    assert recipe.test_command == "python -m pytest -k 'a.b::c[1]'"


def test_another_language_takes_no_pythons() -> None:
    advice = Advice(("libcap-dev",), ("yarl",), (), "3.9", ("go", "test", "./..."))
    assert [item.kind for item in advice.remedies(Recipe("go"))] == ["system", "test command"]


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"system": ("libcap-dev; reboot",)}, "no Debian package's name"),
        ({"system": ("libcap-dev\n",)}, "no Debian package's name"),
        ({"system": ("--force",)}, "no Debian package's name"),
        ({"requirements": ("evil @ https://evil.invalid/x.whl",)}, "addresses are not fetched"),
        ({"requirements": ("--index-url=https://evil.invalid",)}, "options are not obeyed"),
        ({"build_requires": ("../evil",)}, "not a plain requirement"),
        ({"requirements": ("",)}, "an empty requirement"),
        ({"python": "3.9; reboot"}, "no Python"),
        ({"python": "2.7"}, "no Python"),
        ({"test_command": ("sh", "-c", "reboot")}, "a test command begins with"),
        ({"test_command": ("python", "-c", "print()")}, "a test command begins with"),
        ({"test_command": ("make", "test", "$(reboot)")}, "no plain word"),
        ({"test_command": ("python", "-m", "pytest", "/etc")}, "no plain word"),
        ({"test_command": ("python", "-m", "pytest", "a/../../b")}, "no plain word"),
        ({"system": tuple(f"a{number}" for number in range(MOST + 1))}, "name the 12 that matter most"),
    ],
)
def test_what_cannot_be_used_is_said(said: dict[str, tuple[str, ...]], why: str) -> None:
    with pytest.raises(BadInput, match=why):
        Advice(**said)  # type: ignore[arg-type]


@given(WORDS, st.text(max_size=8), st.sampled_from(RUNNERS), WORDS)
def test_whatever_is_said_a_command_is_the_words_it_was(
    system: list[str], python: str, runner: tuple[str, ...], words: list[str]
) -> None:
    try:
        advice = Advice(tuple(system), (), (), python, (*runner, *words))
    except BadInput:
        return
    values = [item.value for item in advice.remedies(Recipe("python"))]
    assert shlex.split(values[-1]) == [*runner, *words]
    assert not re.search(r"[\s;&|<>$`\\]", "".join((*system, python, *words)))
