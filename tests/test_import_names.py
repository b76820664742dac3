"""`agents`, `sandbox` and `tasks` are import names that other distributions use too: here they must be ours."""

from importlib.metadata import packages_distributions

import pytest


@pytest.mark.parametrize("name", ["agents", "sandbox", "tasks"])
def test_no_other_distribution_owns_the_name(name: str) -> None:
    assert set(packages_distributions().get(name, [])) <= {"solve"}
