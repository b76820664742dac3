"""What is secret leaves, what is not stays."""

import base64
import json
import string
import time
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.redact import GONE, redact, redactor

# Put together here so that no scanner takes this file for a leak.
BODY = "Ab1" * 40
TOKENS = [
    "ghp_" + BODY[:36],
    "gho_" + BODY[:36],
    "github_pat_" + BODY[:22] + "_" + BODY[:59],
    "glpat-" + BODY[:20],
    "sk-" + BODY[:48],
    "sk-proj-" + BODY[:40] + "_x-" + BODY[:20],
    "sk-ant-api03-" + BODY[:80],
    "AKIA" + "ABCDEFGH23456789",
    "xoxb-1234567890-" + BODY[:24],
    "AIza" + BODY[:35],
    "ya29." + BODY[:40],
    "npm_" + BODY[:36],
    "pypi-" + BODY[:60],
    "hf_" + BODY[:34],
    "eyJ" + BODY[:20] + ".eyJ" + BODY[:30] + "." + BODY[:43],
]
KEY = "\n".join(["-----BEGIN RSA PRIVATE KEY-----", BODY[:64], BODY[:64], "abc=", "-----END RSA PRIVATE KEY-----"])
SECRETS = st.text(string.ascii_letters + string.digits + '+/=-_.!$ äß"\\', min_size=8, max_size=40)
FORMS = st.one_of(st.sampled_from([*TOKENS, KEY, "://", "a:b@", "Authorization: ", GONE, "\n"]), st.text())


class TestShapes:
    @pytest.mark.parametrize("token", TOKENS)
    @pytest.mark.parametrize("around", ["{}", "export KEY={}\n", "('{}')", 'Bearer "{}", more', "x_{} "])
    def test_a_token_is_found(self, token: str, around: str) -> None:
        if token.startswith("eyJ"):
            around = around.replace("x_", "x ")
        assert redact(around.format(token)) == around.format(GONE)

    def test_a_private_key(self) -> None:
        for text in (KEY, json.dumps(KEY), KEY.replace("\n", "\r\n"), KEY.rpartition("\n")[0]):
            clean = redact(f"before {text} after")
            assert BODY[:16] not in clean
            assert "before -----BEGIN RSA PRIVATE KEY-----" in clean.replace('"', "")
            assert clean.endswith(" after")

    def test_a_login_in_an_address(self) -> None:
        assert redact("git clone https://ada:pass@host/x.git") == f"git clone https://{GONE}@host/x.git"
        assert redact("postgres://:p%40ss@db:5432/x") == f"postgres://{GONE}@db:5432/x"

    def test_headers(self) -> None:
        assert redact("Authorization: Basic YWRhOnNlY3JldHNlY3JldA==") == f"Authorization: Basic {GONE}"
        assert redact(f'"x-api-key": "{BODY[:20]}"') == f'"x-api-key": "{GONE}"'

    @pytest.mark.parametrize(
        "text",
        [
            "task-oriented-programming-with-examples-2",
            "sk-learn-contrib-project-template",
            "https://example.org:8080/a@b",
            "user@example.org: hello",
            "commit 0123456789012345678901234567890123456789",
            "Authorization: Bearer $TOKEN",
            'if "-----BEGIN PRIVATE KEY-----" in text: return True',
            "eyJhbGciOi",
            "ghp_short",
        ],
    )
    def test_ordinary_text_stays(self, text: str) -> None:
        assert redact(text) == text


class TestKnownValues:
    @settings(deadline=None)
    @given(secret=SECRETS, before=st.text(), after=st.text())
    def test_a_known_value_never_stays(self, secret: str, before: str, after: str) -> None:
        assert secret not in redact(before + secret + after, [secret]).replace(GONE, "\0")

    @settings(deadline=None)
    @given(secret=SECRETS, before=st.binary(max_size=8), after=st.binary(max_size=8))
    def test_nor_in_another_dress(self, secret: str, before: bytes, after: bytes) -> None:
        for dressed in (json.dumps(secret), quote(secret, safe="")):
            assert dressed.strip('"') not in redact(f"x {dressed} y", [secret]).replace(GONE, "\0")
        data = before + secret.encode() + after
        for encoded in (base64.b64encode(data).decode(), base64.urlsafe_b64encode(data).decode()):
            left = redact(encoded, [secret]).replace(GONE, "")
            # At most the two characters stay that the value shares with its neighbours.
            assert len(encoded) - len(left) >= len(secret.encode()) * 8 // 6 - 2

    @settings(deadline=None)
    @given(
        secret=st.text(string.ascii_letters, min_size=12, max_size=40),
        width=st.integers(1, 11),
        fold=st.sampled_from(["\n", "\r\n", "\\\n", "\n    "]),
    )
    def test_nor_folded_over_lines(self, secret: str, width: int, fold: str) -> None:
        folded = fold.join(secret[place : place + width] for place in range(0, len(secret), width))
        assert redact(f"<{folded}>", [secret]) == f"<{GONE}>"

    def test_a_value_within_another(self) -> None:
        assert redact("abcdefghij abcdefgh", ["abcdefgh", "abcdefghij"]) == f"{GONE} {GONE}"

    def test_short_values_are_passed_over(self) -> None:
        assert redact("true 1 secret", ["true", "1", "secret", ""]) == "true 1 secret"

    def test_lone_surrogates_are_text_too(self) -> None:
        assert redact("x \udcff secretly \udcff", ["secretly \udcff"]) == f"x \udcff {GONE}"

    @pytest.mark.parametrize(
        "name", ["OPENAI_API_KEY", "GITHUB_TOKEN", "DB_PASSWORD", "AWS_SECRET_ACCESS_KEY", "GH_PAT", "npm_config_auth"]
    )
    def test_a_variable_whose_name_says_secret(self, name: str) -> None:
        assert redactor({name: "long enough"})("a long enough text") == f"a {GONE} text"

    @pytest.mark.parametrize("name", ["PATH", "KEYBOARD", "TOKENIZERS_PARALLELISM", "MONKEY", "AUTHOR", "PASSAGE"])
    def test_a_variable_with_an_ordinary_name(self, name: str) -> None:
        assert redactor({name: "long enough"})("a long enough text") == "a long enough text"


@settings(deadline=None)
@given(text=st.lists(FORMS).map("".join), secrets=st.lists(SECRETS, max_size=3))
def test_twice_is_once(text: str, secrets: list[str]) -> None:
    once = redact(text, secrets)
    assert redact(once, secrets) == once


@pytest.mark.parametrize(
    "text",
    [
        "a" * 200_000,
        "sk-" * 60_000,
        "sk-" + "a" * 200_000,
        "-eyJ" * 50_000,
        "://" * 60_000,
        "://" + "a:" * 80_000,
        "-----BEGIN PRIVATE KEY-----" * 8_000,
        "-----BEGIN PRIVATE KEY-----" + "a: b\n" * 40_000,
        "-----BEGIN PRIVATE KEY-----" + "\n" * 200_000,
        "-----BEGIN PRIVATE KEY-----" + "A" * 200_000 + "-",
        "Authorization: " * 12_000,
        "x\n" * 100_000,
    ],
    ids=range(12),
)
def test_hostile_text_takes_no_time(text: str) -> None:
    started = time.process_time()
    redact(text, ["x" * 40, "sk-secret-value"])
    assert time.process_time() - started < 2
