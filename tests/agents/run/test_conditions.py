"""What a batch's results rest on, as this machine's engine has it."""

import uuid

import pytest
from docker_image import engine, find_image

from agents.run.conditions import conditions
from sandbox.base_image import SETTING
from tasks.load import Suite
from tasks.purse import Allowances

pytestmark = pytest.mark.docker


def test_base_images_of_both_kinds_of_rows_are_locked() -> None:
    """Of those that are made by SWE-bench's specifications, and of those that are made from their own files."""
    name = f"solve/test-{uuid.uuid4().hex[:12]}"
    tags = {f"{name}:spec-3.9", f"{name}:own-3.9"}
    with engine() as client:
        image = client.images.get(find_image().ref)
        for tag in tags:
            assert image.tag(tag)
        try:
            lock = conditions(
                Suite("none", (), {}), [], Allowances(), f"{name}:spec-{{python}}", {SETTING: f"{name}:own-{{python}}"}
            )
        finally:
            for tag in tags:
                client.images.remove(tag)
    assert lock.images == dict.fromkeys(tags, image.id)
