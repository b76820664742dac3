"""What is secret leaves, what is not stays."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.redact import GONE, redactor


@pytest.mark.parametrize(
    "secret",
    [
        "sk-proj-" + "a1" * 20,
        "ghp_" + "a1B2" * 9,
        "github_pat_" + "a" * 30,
        "glpat-" + "x" * 20,
        "AKIA" + "A1" * 8,
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.abc-def",
        "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----\ncut off",
    ],
)
def test_a_token_is_known_by_its_shape(secret: str) -> None:
    assert redactor({})(f"a = '{secret}' # b").startswith(f"a = '{GONE}")
    assert secret not in redactor({})(f"a = '{secret}' # b")


def test_a_password_in_an_address_goes_and_the_address_stays() -> None:
    assert redactor({})("git clone https://me:hunter2@host/x") == f"git clone https://{GONE}@host/x"


@given(st.text(min_size=8).filter(str.strip))
def test_a_value_of_the_environment_never_stays(value: str) -> None:
    assert value not in redactor({"MY_API_KEY": value})(f"x{value}y").replace(GONE, "")


def test_a_value_with_an_ordinary_name_or_too_short_stays() -> None:
    clean = redactor({"HOME": "/home/someone", "TOKEN": "short", "MONKEY": "long enough"})
    assert clean("/home/someone short long enough") == "/home/someone short long enough"


@pytest.mark.parametrize("text", ["task-list-of-twenty-letters", "def sk(): pass", "https://host:80/a@b", "x = a.b.c"])
def test_ordinary_text_stays(text: str) -> None:
    assert redactor({})(text) == text
