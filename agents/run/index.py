"""`solve index`: build, query, measure and fit the index of a repository."""

import gc
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agents.run.arguments import Json
from sandbox.api import BadInput

if TYPE_CHECKING:
    from agents.index.build import Tell
    from agents.index.evaluate import Question

app = typer.Typer()

Repo = Annotated[Path, typer.Option("--repo", help="The repository: a folder.")]
Commit = Annotated[str, typer.Option("--commit", help="A revision; without one the worktree as it lies.")]
Rows = Annotated[Path, typer.Argument(help="Benchmark rows in SWE-bench's fields.", metavar="ROWS.jsonl")]
Mirrors = Annotated[
    Path, typer.Option("--mirrors", envvar="SOLVE_MIRRORS", help="Bare mirrors, at DIR/OWNER/NAME.git.")
]
ASKED = "TypeError when parsing nested expressions\n\nCalling `parse` on a nested expression raises a TypeError."
Rerank = Annotated[str, typer.Option("--rerank", help="A model that puts the best in order; it reads the issue.")]
BaseUrl = Annotated[str, typer.Option("--base-url", help="The OpenAI-compatible server of that model.")]
Dollars = Annotated[float | None, typer.Option("--budget", help="Dollars that re-ranking may cost.")]


@app.callback()
def one_thread() -> None:
    """Which files and symbols an issue is about: build, query and measure the index."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy: nothing here uses threads, which cost 50 ms


@app.command()
def build(
    repo: Repo = Path(),
    commit: Commit = "",
    max_size: Annotated[int, typer.Option("--max-size", min=1, help="Megabytes that the store may keep.")] = 512,
    as_json: Json = False,
) -> None:
    """Index what is not indexed yet, and say what was left out and why."""
    from agents.index.index import Index, store_path

    with Index(store_path(repo), max_bytes=max_size << 20) as index, _progress(as_json) as tell:
        snapshot = index.build(repo, commit, tell=tell)
        listed = snapshot.listed
        found = {
            "store": str(index.store.path),
            "files": len(listed.paths),
            "parsed": listed.parsed,
            "units": len(snapshot.line),
            "skipped": [{"path": path, "why": why} for path, why in listed.skipped],
        }
    if as_json:
        _print_json(found)
        return
    from agents.run.index_view import show_built

    show_built(found)


@app.command()
def query(
    issue: Annotated[str, typer.Option("--issue", help="A text, a file, an issue's URL, or - for standard input.")],
    repo: Repo = Path(),
    commit: Commit = "",
    top: Annotated[int, typer.Option("--top", min=1, max=100, help="How many files and symbols.")] = 10,
    rerank: Rerank = "",
    base_url: BaseUrl = "",
    budget: Dollars = None,
    as_json: Json = False,
) -> None:
    """Rank files, symbols and documents for an issue; its first line is the title."""
    gc.disable()  # before the imports: what it would collect is less than what it costs

    from agents.index.company import search_context
    from agents.index.index import Index, store_path
    from agents.index.rank import rank
    from agents.index.tree import reader

    text = _issue_text(issue)
    with Index(store_path(repo)) as index, index.open_tree(repo, commit) as tree, _progress(as_json) as tell:
        snapshot = index.build_tree(tree, tell=tell)
        ranking = rank(snapshot, text)
        if rerank:
            from agents.run.reranking import reranker

            with reranker(rerank, base_url, budget, 1) as order:
                ranking = order(snapshot, ranking, reader(tree), text)
        documents = search_context(snapshot, reader(tree), repo, text, top)
    files, symbols = ranking.files[:top], ranking.symbols[:top]
    if as_json:
        _print_json(
            {
                "files": [_fields(file) for file in files],
                "symbols": [_fields(symbol) for symbol in symbols],
                "documents": [_fields(passage) for passage in documents],
            }
        )
        return
    from agents.run.index_view import show_ranking

    show_ranking(files, symbols, documents)


@app.command("map")
def draw_map(
    repo: Repo = Path(),
    commit: Commit = "",
    tokens: Annotated[int, typer.Option("--tokens", min=50, help="At most so many, by estimate.")] = 4000,
) -> None:
    """Print a map of the repository: what its most central files define, without bodies."""
    from agents.index.context import repository_map
    from agents.index.index import Index, store_path
    from agents.index.tree import reader

    with Index(store_path(repo)) as index, index.open_tree(repo, commit) as tree, _progress(False) as tell:
        print(repository_map(index.build_tree(tree, tell=tell), reader(tree), tokens))


@app.command()
def bench(
    issue: Annotated[str, typer.Option("--issue", help="What the query rows ask: a file or a text.")] = ASKED,
    repo: Annotated[
        list[Path] | None, typer.Option("--repo", help="A repository; repeat it for the sum over several.")
    ] = None,
    commit: Commit = "",
    repeat: Annotated[int, typer.Option("--repeat", min=1, help="Rounds; medians are shown.")] = 3,
    as_json: Json = False,
) -> None:
    """Time the index side by side with a raw tree-sitter parse of the same files: CPU seconds and ratios, medians."""
    from agents.index.bench import bench as run_bench

    found = run_bench(repo or [Path()], commit, _issue_text(issue), repeat, _say)
    if as_json:
        _print_json(found)
        return
    from agents.run.index_view import show_bench

    show_bench(found)


@app.command("eval")
def evaluate(
    rows: Rows,
    mirrors: Mirrors,
    rerank: Rerank = "",
    base_url: BaseUrl = "",
    budget: Dollars = None,
    as_json: Json = False,
) -> None:
    """Measure the ranking on rows whose patch is known.

    recall@k: the share of the files (functions) that the patch touches among the first k, mean over rows; candidates
    are files of code that are no tests. A function is a function or method with what is nested in it, or a class
    without its methods; a removed line touches the innermost around it, a pure insertion the innermost around the
    nearest less indented line above. MRR: 1 / rank of the best file. Rows the weights were fitted on are scored by
    weights fitted without them. Intervals: 95%, bootstrap over rows. cpu_s: mean CPU seconds of a query.
    With --rerank the same figures once more under "reranked", of the same rows in the model's order.
    """
    from agents.index.evaluate import examples, measure, report
    from agents.index.weights import shipped

    questions = _questions(rows)
    found_rows = examples(questions, mirrors, _say)
    if rerank:
        from agents.run.reranking import measure_reranked, reranker

        with reranker(rerank, base_url, budget, len(questions)) as order:
            found = measure_reranked(found_rows, shipped(), order)
    else:
        found = report([measure(row.example, shipped()) for row in found_rows])
    _report(found, as_json)
    if rerank and not as_json:
        print(f"\nre-ranked by {rerank}:")
        _report(found["reranked"], as_json)


@app.command()
def fit(
    rows: Rows,
    mirrors: Mirrors,
    out: Annotated[Path, typer.Option("--out", help="The weights' file to write.")],
    as_json: Json = False,
) -> None:
    """Fit the ranking's weights on rows whose patch is known, on all of them and on all but each tenth.

    Reported is how weights do that were fitted on one half, on the other half: every second row by name, and the rest.
    """
    from agents.index.evaluate import examples, measure, report
    from agents.index.fit import fit as fit_weights

    questions = _questions(rows)
    if len(questions) < 2:
        raise BadInput(f"{rows} has no two rows: fit needs some to fit on and some to report on")
    found = [row.example for row in examples(questions, mirrors, _say)]
    about = f"{len(found)} rows of {rows.name}, by `solve index fit`, {datetime.now(UTC).date()}"
    out.write_text(fit_weights(found, about).to_json())
    halves = fit_weights(found, about, parts=2)
    _report(report([measure(example, halves) for example in found]), as_json)


def _report(found: dict[str, Any], as_json: bool) -> None:
    if as_json:
        _print_json(found)
        return
    from agents.run.index_view import show_report

    show_report(found)


def _questions(path: Path) -> "list[Question]":
    from agents.index.evaluate import Question
    from tasks.load import load

    return [
        Question(
            row.task.id, row.task.repository, row.task.base_commit, row.task.issue.text(), row.answer.patch.decode()
        )
        for row in load(str(path)).rows
    ]


def _issue_text(issue: str) -> str:
    if Path(issue).is_file():  # the rest of the ways to give one takes as long to import as a query may last
        return Path(issue).read_text(errors="replace")
    from tasks.issue import read_issue

    return read_issue(issue, stdin=sys.stdin, environment=os.environ).text()


def _say(line: str) -> None:
    print(line, file=sys.stderr)


def _fields(ranked: Any) -> dict[str, Any]:
    return {name: getattr(ranked, name) for name in ranked.__dataclass_fields__}


def _print_json(value: object) -> None:
    print(json.dumps(value))


@contextmanager
def _progress(quiet: bool) -> "Iterator[Tell]":
    """A bar on standard error once there is something to index."""
    from agents.index.build import silent

    if quiet or not sys.stderr.isatty():
        yield silent
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("indexing", total=None, visible=False)
        yield lambda done, total: bar.update(task, completed=done, total=total, visible=True)
