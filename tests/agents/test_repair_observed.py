"""Lines from inside the sandbox: hostile data."""

import json

from hypothesis import given
from hypothesis import strategies as st

from agents.repair.observed import Progress, search_rows, survey_rows

COUNTS = dict.fromkeys(("tried", "timeouts", "invalid", "regressed", "plausible", "fresh", "spoilt", "again"), 0)
LINE = json.dumps({"kind": "plausible", "seconds": 1.0, "cpu": 1.0, "id": 3, **COUNTS}).encode()


def test_lines_that_are_cut_off_or_forged_are_left_out() -> None:
    forged = json.dumps({"kind": "plausible", "id": "all of them"}).encode()
    rows = search_rows(b"\n".join([forged, LINE, b'{"kind": "nothing"}', LINE[:20]]))
    assert [row.id for row in rows if isinstance(row, Progress)] == [3]


@given(
    st.binary(max_size=200)
    | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(lambda value: json.dumps(value).encode())
)
def test_any_bytes_are_read_without_harm(data: bytes) -> None:
    assert survey_rows(data) == []
    assert len(search_rows(data + b"\n" + LINE)) == 1
