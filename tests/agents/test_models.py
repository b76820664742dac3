"""models.toml: what is taken, what is refused, and where keys may go."""

from decimal import Decimal
from pathlib import Path

import pytest

from agents.models import SHIPPED, Cast, ModelsFile, at_url, check_priced, find, key, load, read
from sandbox.api import BadInput
from tasks.limits import Allowance

ONE = """
[model.small]
id = "small-2026-01-01"
base_url = "http://127.0.0.1:1/v1"
context = 1000
output = 100
price = { input = 0.25, cached = 0.025, output = 2.0 }

[team.pair]
coder = "small"

[team.climb]
cascade = ["repair", "small"]
"""


def reading(tmp_path: Path, text: str) -> ModelsFile:
    (tmp_path / "models.toml").write_text(text)
    return read(tmp_path / "models.toml")


def test_the_shipped_file_is_valid_and_every_name_in_it_can_be_found() -> None:
    file = read(SHIPPED)
    for name in [*file.model, *file.team]:
        assert find(name, file).casts()


def test_prices_are_exact() -> None:
    price = read(SHIPPED).model["gpt-5-mini"].price
    assert price is not None
    assert price.of(1_000_000, 400_000, 1_000_000) == Decimal("0.15") + Decimal("0.01") + Decimal(2)


def test_a_cascade_keeps_its_order_and_its_built_in_stage(tmp_path: Path) -> None:
    stages = find("climb", reading(tmp_path, ONE)).stages
    assert stages[0] == "repair"
    assert isinstance(stages[1], Cast)


def test_a_role_without_a_model_is_played_by_the_coder(tmp_path: Path) -> None:
    (cast,) = find("pair", reading(tmp_path, ONE)).casts()
    assert cast.roles["reviewer"].id == "small-2026-01-01"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (ONE + "\ncolour = 1", "colour"),
        (ONE.replace("context = 1000", "context = 50"), "output must be less"),
        (ONE.replace("http://127.0.0.1:1/v1", "127.0.0.1:1"), "no http"),
        (
            ONE.replace("context = 1000", 'context = 1000\nkey_env = "OPENAI_API_KEY"'),
            "only ever sent to api.openai.com",
        ),
        (ONE.replace('["repair", "small"]', '["repair"]\ncoder = "small"'), "either"),
        (ONE.replace("input = 0.25", "input = -1"), "price.input"),
        ("[model.x", "not TOML"),
    ],
)
def test_a_mistake_is_named_in_one_line(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(BadInput, match=words) as caught:
        reading(tmp_path, text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["http://api.openai.com/v1", "https://api.openai.com.evil.org/v1", "https://evil.org/v1"]
)
def test_the_openai_key_goes_to_openai_alone(tmp_path: Path, url: str) -> None:
    text = ONE.replace("http://127.0.0.1:1/v1", url).replace("output = 100", 'output = 100\nkey_env = "OPENAI_API_KEY"')
    with pytest.raises(BadInput, match="OPENAI_API_KEY"):
        reading(tmp_path, text)


def test_a_server_of_the_command_line_gets_only_its_own_key() -> None:
    (cast,) = at_url("m", "https://evil.org/v1").casts()
    environment = {"OPENAI_API_KEY": "sk-openai", "SOLVE_API_KEY": "own"}
    assert key(cast.roles["coder"], environment) == "own"
    assert key(cast.roles["coder"], {"OPENAI_API_KEY": "sk-openai"}) == "none"


def test_a_missing_key_names_its_variable() -> None:
    with pytest.raises(BadInput, match="set OPENAI_API_KEY"):
        key(read(SHIPPED).model["gpt-5"], {})


def test_an_unknown_name_says_which_there_are(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="small"):
        find("smal", reading(tmp_path, ONE))


def test_ones_own_file_stands_over_the_shipped_one(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(ONE.replace("model.small", "model.gpt-5").replace('"small"', '"gpt-5"'))
    file = load({"SOLVE_MODELS": str(tmp_path / "mine.toml")})
    assert file.model["gpt-5"].id == "small-2026-01-01"
    assert "gpt-5-mini" in file.model


@pytest.mark.parametrize(
    ("allowance", "allow", "fine"),
    [
        (Allowance(dollars=Decimal(1)), False, False),
        (Allowance(), False, False),
        (Allowance(tokens=1000), False, True),
        (Allowance(tokens=1000, dollars=Decimal(1)), False, False),
        (Allowance(dollars=Decimal(1)), True, True),
    ],
)
def test_an_unknown_price_is_never_a_silent_zero(allowance: Allowance, allow: bool, fine: bool) -> None:
    models = at_url("m", "http://127.0.0.1:1/v1").casts()[0].models()
    if fine:
        check_priced(models, allowance, allow)
    else:
        with pytest.raises(BadInput, match="price of m is not known"):
            check_priced(models, allowance, allow)
