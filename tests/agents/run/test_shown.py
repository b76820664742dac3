from hypothesis import given
from hypothesis import strategies as st

from agents.run.shown import UNFIT, shown


def test_what_rewrites_a_screen_is_written_out() -> None:
    assert shown("a\x1b]0;title\x07b\x1b[2K\r\n\tc") == "a\\x1b]0;title\\x07b\\x1b[2K\\r\n\tc"
    assert shown("\u202eevil\udcff") == "\\u202eevil\\udcff"


def test_ordinary_text_is_as_it_was() -> None:
    assert shown("naïve — `Bits`\n✓ 日本") == "naïve — `Bits`\n✓ 日本"


@given(st.text(st.characters()))
def test_any_text_can_be_printed_afterwards(text: str) -> None:
    assert not UNFIT.search(shown(text))
    shown(text).encode("utf-8")
