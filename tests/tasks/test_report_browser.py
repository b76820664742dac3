"""The report's page, looked at in Debian's chromium: everything stands where a reader sees it."""

import shutil
from collections.abc import Iterator

import pytest
from report_runs import result

from tasks.report import leaderboard
from tasks.report_html import page

sync_api = pytest.importorskip("playwright.sync_api", reason="pip install 'solve[browser]'")
CHROMIUM = shutil.which("chromium")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]  # fmt: skip
NAMES = ("team-of-four", "single-coder", "a-solver-whose-name-is-much-longer-than-its-place")
FREE = ("empty", "repair", "also-free")  # three that cost nothing and solve nothing stand at one point


@pytest.fixture(scope="module", params=[1280, 400])
def seen(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator["sync_api.Page"]:
    if CHROMIUM is None:
        pytest.skip("there is no chromium: apt-get install chromium")
    rows = [
        result(name, number, run, "resolved" if (number + run) % (place + 2) else "unresolved", dollars=0.1 * place)
        for place, name in enumerate(NAMES)
        for number in range(12)
        for run in (1, 2, 3)
    ] + [
        result(name, number, run, "unresolved", dollars=0.0) for name in FREE for number in range(12) for run in (1, 2)
    ]
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(page(leaderboard(rows, baseline=NAMES[1]), "runs"))
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        shown = browser.new_page(viewport={"width": request.param, "height": 900})
        complaints: list[str] = []
        shown.on("console", lambda message: complaints.append(message.text))
        shown.goto(path.as_uri())
        yield shown
        browser.close()
    assert complaints == []


def test_nothing_is_wider_than_the_window(seen: "sync_api.Page") -> None:
    assert seen.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_every_chart_keeps_its_marks_and_labels_inside(seen: "sync_api.Page") -> None:
    outside = seen.evaluate(
        """[...document.querySelectorAll('svg')].flatMap(svg => {
            const box = svg.getBoundingClientRect();
            return [...svg.querySelectorAll('text, circle, line')].filter(mark => {
                const at = mark.getBoundingClientRect();
                const beside = at.left < box.left - 1 || at.right > box.right + 1;
                return beside || at.top < box.top - 1 || at.bottom > box.bottom + 1;
            }).map(mark => mark.textContent || mark.outerHTML);
        })"""
    )
    assert outside == []
    assert seen.locator("#rates circle").count() == len(NAMES + FREE)
    assert seen.locator("#costs circle").count() == len(NAMES + FREE)


def test_no_label_of_a_chart_stands_on_another(seen: "sync_api.Page") -> None:
    over = seen.evaluate(
        """[...document.querySelectorAll('svg')].flatMap(svg => {
            const texts = [...svg.querySelectorAll('text')].map(
                text => [text.textContent, text.getBoundingClientRect()]);
            return texts.flatMap(([name, a], number) => texts.slice(number + 1).filter(([other, b]) =>
                a.left < b.right && b.left < a.right && a.top + 2 < b.bottom && b.top + 2 < a.bottom
            ).map(([other]) => name + ' / ' + other));
        })"""
    )
    assert over == []


def test_a_cell_of_the_matrix_leads_to_its_evidence(seen: "sync_api.Page") -> None:
    cell = seen.locator("#matrix a").first
    target = str(cell.get_attribute("href"))
    cell.click()
    evidence = seen.locator(target)
    assert evidence.is_visible()
    evidence.locator("summary").click()
    assert evidence.locator("pre").is_visible()
    assert "+new" in evidence.locator("pre").inner_text()
