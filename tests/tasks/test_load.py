"""Any benchmark becomes the same rows, and nothing of the answer stands where a solver may look."""

import csv
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.api import BadInput
from tasks.load import Selection, load, parse_row, parse_slice
from tasks.row import reversed_patch

FIX = "diff --git a/calc.py b/calc.py\n--- a/calc.py\n+++ b/calc.py\n@@ -1 +1 @@\n-gold_before\n+gold_after\n"
TEST = (
    "diff --git a/test_calc.py b/test_calc.py\n--- a/test_calc.py\n+++ b/test_calc.py\n@@ -1 +1 @@\n-a\n+hidden_test\n"
)


def row(number: int = 1, **changed: Any) -> dict[str, Any]:
    return {
        "instance_id": f"org__calc-{number}",
        "repo": "org/calc",
        "base_commit": "a" * 40,
        "problem_statement": "add is wrong\n\nadd(1, 2) gives 4",
        "hints_text": "HINT_TEXT: change gold_before",
        "patch": FIX,
        "test_patch": TEST,
        "FAIL_TO_PASS": '["test_calc.py::test_secret_name"]',
        "PASS_TO_PASS": ["test_calc.py::test_old"],
        "version": "1.0",
    } | changed


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    match path.suffix:
        case ".jsonl":
            path.write_text("".join(json.dumps(item) + "\n" for item in rows))
        case ".json":
            path.write_text(json.dumps(rows))
        case ".csv":
            with path.open("w", newline="") as file:
                writer = csv.DictWriter(file, list(rows[0]))
                writer.writeheader()
                writer.writerows([{**item, "PASS_TO_PASS": json.dumps(item["PASS_TO_PASS"])} for item in rows])
        case ".parquet":
            pyarrow = pytest.importorskip("pyarrow")
            parquet = pytest.importorskip("pyarrow.parquet")
            parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    return path


@pytest.mark.parametrize("suffix", [".jsonl", ".json", ".csv", ".parquet"])
def test_every_format_gives_the_same_suite(tmp_path: Path, suffix: str) -> None:
    suite = load(str(write(tmp_path / f"rows{suffix}", [row(1), row(2)])))
    assert suite.digest == load(str(write(tmp_path / "again.jsonl", [row(2), row(1)]))).digest
    first = suite.rows[0]
    assert (first.task.id, first.task.repository, first.task.issue.title) == ("org__calc-1", "org/calc", "add is wrong")
    assert first.answer.fail_to_pass == ("test_calc.py::test_secret_name",)
    assert first.answer.pass_to_pass == ("test_calc.py::test_old",)
    assert first.answer.patch == FIX.encode()


def test_a_list_as_python_writes_it_is_a_list() -> None:
    assert parse_row(row(FAIL_TO_PASS="['t::a[x]', \"t::b['c']\"]")).answer.fail_to_pass == ("t::a[x]", "t::b['c']")


def test_a_dataset_folder_is_loaded_as_the_hub_would(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    rows = [{**row(number), "FAIL_TO_PASS": ["t::a"]} for number in (1, 2, 3)]
    datasets.Dataset.from_list(rows).save_to_disk(str(tmp_path / "kept"))
    (tmp_path / "folder").mkdir()
    write(tmp_path / "folder" / "test.jsonl", rows)
    assert [item.task.id for item in load(str(tmp_path / "kept")).rows] == [item["instance_id"] for item in rows]
    assert load(str(tmp_path / "folder")).digest == load(str(tmp_path / "kept")).digest
    (tmp_path / "folder" / "test.jsonl").rename(tmp_path / "folder" / "train.jsonl")
    assert load(str(tmp_path / "folder")).digest == load(str(tmp_path / "kept")).digest  # the only split
    splits = datasets.DatasetDict({name: datasets.Dataset.from_list(rows) for name in ("dev", "train")})
    splits.save_to_disk(str(tmp_path / "dict"))
    with pytest.raises(BadInput, match="no split test: give NAME:SPLIT with one of dev, train"):
        load(str(tmp_path / "dict"))
    with pytest.raises(BadInput, match="no split tset: give NAME:SPLIT with one of dev, train"):
        load(f"{tmp_path / 'dict'}:tset")
    for kept in ("dict:dev", "folder:train"):
        assert load(str(tmp_path / kept)).digest == load(str(tmp_path / "kept")).digest


def test_nothing_of_the_answer_is_in_the_task(tmp_path: Path) -> None:
    loaded = load(str(write(tmp_path / "rows.jsonl", [row()]))).rows[0]
    shown = repr(loaded.task) + repr(loaded.setup)
    for secret in ("HINT_TEXT", "gold_after", "gold_before", "hidden_test", "test_secret_name", "test_old"):
        assert secret not in shown
    assert "HINT_TEXT" not in repr(loaded)  # not even the scorer has use for it


def test_a_changed_answer_is_another_suite(tmp_path: Path) -> None:
    digests = {
        load(str(write(tmp_path / f"{number}.jsonl", [changed]))).digest
        for number, changed in enumerate(
            [row(), row(test_patch=TEST + "\n"), row(FAIL_TO_PASS=[]), row(base_commit="b" * 40), row(patch="")]
        )
    }
    assert len(digests) == 5


def test_filters_hold_together_and_a_seed_repeats(tmp_path: Path) -> None:
    rows = [row(number, repo=f"org/{'even' if number % 2 == 0 else 'odd'}") for number in range(10)]
    path = str(write(tmp_path / "rows.jsonl", rows))

    def ids(**wanted: Any) -> list[str]:
        return [item.task.id for item in load(path, Selection(**wanted)).rows]

    assert ids(repositories=("org/even",), part=slice(1, 3)) == ["org__calc-2", "org__calc-4"]
    assert ids(ids=("org__calc-7", "org__calc-3")) == ["org__calc-3", "org__calc-7"]
    assert ids(seed=1) == ids(seed=1) != ids(seed=2)
    assert sorted(ids(seed=1)) == ids()
    assert load(path, Selection(seed=1)).digest == load(path).digest


@pytest.mark.parametrize(
    ("selection", "message"),
    [(Selection(ids=("nobody",)), "no row nobody"), (Selection(repositories=("x/y",)), "no row of .* is selected")],
)
def test_a_filter_that_finds_nothing_says_so(tmp_path: Path, selection: Selection, message: str) -> None:
    path = write(tmp_path / "rows.jsonl", [row()])
    with pytest.raises(BadInput, match=message):
        load(str(path), selection)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.jsonl", '{"instance_id": "x"}', "row x has no repo: rows have SWE-bench's columns"),
        ("a.csv", "id,name\n1,2\n", "row has no instance_id: rows have SWE-bench"),
        ("a.csv", "instance_id,repo\nx,y\nx,y,z\n", "line 3 has more fields than the header"),
        ("a.json", "5", "neither a list of rows nor an object"),
        ("a.json", "[" * 200_000, "a.json is not JSON: "),
        ("a.jsonl", "\xe9", "a.jsonl is not JSONL in UTF-8: "),
        ("a.json", "\xe9", "a.json is not JSON in UTF-8: "),
        ("a.csv", "\xe9", "a.csv is not CSV in UTF-8: "),
        ("a.jsonl", "{}\nnot json", "line 2 is not JSON"),
        ("a.jsonl", "[1]", "line 1 is not an object"),
        ("a.jsonl", "", "has no rows"),
        ("a.txt", "x", "must end in .jsonl"),
        ("a.json", json.dumps([row(), row()]), "has 2 rows org__calc-1"),
        ("a.json", json.dumps([row(FAIL_TO_PASS="[not json")]), "row org__calc-1: FAIL_TO_PASS"),
        ("a.json", json.dumps([row(FAIL_TO_PASS="{'a': 1}")]), "row org__calc-1: FAIL_TO_PASS"),
        ("a.json", json.dumps([row(patch="\ud800")]), "row org__calc-1: patch: .*surrogates not allowed"),
    ],
)
def test_what_cannot_be_read_is_said_in_one_line(tmp_path: Path, name: str, content: str, message: str) -> None:
    (tmp_path / name).write_text(content, "latin-1")
    with pytest.raises(BadInput, match=message) as found:
        load(str(tmp_path / name))
    assert "\n" not in str(found.value)


def test_what_is_no_parquet_is_said_in_one_line(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    (tmp_path / "a.parquet").write_bytes(b"PAR1 perhaps")
    with pytest.raises(BadInput, match=r"a\.parquet is not Parquet: [^\n]*$"):
        load(str(tmp_path / "a.parquet"))


@pytest.mark.parametrize("name", ["rows.jsonl", "folder/rows.csv"])
def test_a_file_that_is_not_there_is_not_looked_for_on_the_hub(name: str) -> None:
    with pytest.raises(BadInput, match=f"cannot read {name} .No such file"):
        load(name)


@pytest.mark.parametrize("suffix", [".jsonl", ".json", ".csv"])
def test_a_byte_order_mark_is_no_part_of_a_file(tmp_path: Path, suffix: str) -> None:
    plain = write(tmp_path / f"plain{suffix}", [row()])
    (tmp_path / f"marked{suffix}").write_bytes(b"\xef\xbb\xbf" + plain.read_bytes())
    assert load(str(tmp_path / f"marked{suffix}")).digest == load(str(plain)).digest


def test_an_unknown_name_lists_the_short_ones() -> None:
    with pytest.raises(BadInput, match="lite, verified, full, multilingual"):
        load("no-such-suite")


def test_a_harbor_task_is_judged_by_its_own_script(tmp_path: Path) -> None:
    folder = tmp_path / "tasks" / "fix-it"
    (folder / "tests").mkdir(parents=True)
    (folder / "task.toml").write_text('version = "1.0"\n[environment]\ndocker_image = "org/fix-it:1"\ncpus = 1\n')
    (folder / "instruction.md").write_text("Fix it\n\nplease")
    with pytest.raises(BadInput, match=r"tests/test\.sh is missing"):
        load(str(folder))
    (folder / "tests" / "test.sh").write_text("echo 1 > /logs/verifier/reward.txt\n")
    found = load(str(tmp_path / "tasks")).rows[0]
    assert (found.task.id, found.task.issue.title, found.setup.image) == ("fix-it", "Fix it", "org/fix-it:1")
    before = found.digest()
    (folder / "tests" / "test.sh").write_text("echo 0 > /logs/verifier/reward.txt\n")
    assert load(str(folder)).rows[0].digest() != before


def test_a_row_of_swe_smith_plants_its_bug_and_asks_for_the_reverse() -> None:
    smith = {
        key: value for key, value in row(image_name="swesmith/calc").items() if key not in ("base_commit", "test_patch")
    }
    found = parse_row(smith)
    assert found.setup.base_patch == FIX.encode()
    assert b"-gold_after" in found.answer.patch
    assert b"+gold_before" in found.answer.patch


@pytest.mark.parametrize(
    ("text", "expected"),
    [("3", [0, 1, 2]), (":", [0, 1, 2, 3, 4, 5]), ("2:4", [2, 3]), ("::4", [0, 4]), ("-2:", [4, 5])],
)
def test_a_slice_cuts_as_python_does(text: str, expected: list[int]) -> None:
    assert list(range(6))[parse_slice(text)] == expected


@pytest.mark.parametrize("text", ["", "a:b", "1:2:3:4", "::0"])
def test_what_is_no_slice_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="is no slice"):
        parse_slice(text)


LINES = st.lists(st.sampled_from(["a", "b", "-- c", "++ d", "", "@@ -1 +1 @@", "diff --git a/x b/x"]), max_size=8)


@given(LINES, LINES)
def test_a_reversed_patch_takes_the_patch_back(
    tmp_path_factory: pytest.TempPathFactory, before: list[str], after: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("reverse")
    old, new = "".join(line + "\n" for line in before), "".join(line + "\n" for line in after)
    for name, text in (("old", old), ("new", new)):
        (folder / name).mkdir()
        (folder / name / "file").write_text(text)
    diff = subprocess.run(["git", "diff", "--no-index", "--no-prefix", "old", "new"], cwd=folder, capture_output=True)
    patch = diff.stdout.replace(b"old/file", b"a/file").replace(b"new/file", b"b/file")
    (folder / "file").write_text(new)
    if patch:
        subprocess.run(["git", "apply", "-"], cwd=folder, input=reversed_patch(patch), check=True)
    assert (folder / "file").read_text() == old
