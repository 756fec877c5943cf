"""The video tab in a real browser: progress, results that play, cancel, clear words for what is no film."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.sync_api import Page, expect

from emotion.session import CSV_COLUMNS

if TYPE_CHECKING:
    from tests.web.conftest import Server

PATIENCE_MS = 60_000


def choose(page: Page, film: Path) -> None:
    page.get_by_role("tab", name="Video").click()
    page.locator("#film input[type=file]").set_input_files(film)
    expect(page.locator("#film")).to_contain_text(film.stem, timeout=PATIENCE_MS)
    page.locator("#film-start").click()


def test_a_film_becomes_an_annotated_copy_a_table_and_a_timeline(
    page: Page, films: dict[str, Path], tmp_path: Path
) -> None:
    choose(page, films["short"])
    expect(page.locator("#film-progress")).to_contain_text("Done", timeout=PATIENCE_MS)
    expect(page.locator("#film-report tbody tr")).to_have_count(1)
    expect(page.locator("#film-report svg")).to_be_visible()
    page.wait_for_function("document.querySelector('#film-copy video').duration > 1.8")
    page.evaluate("document.querySelector('#film-copy video').play()")
    page.wait_for_function("document.querySelector('#film-copy video').currentTime > 0.2")
    with page.expect_download() as download:
        page.locator("#film-csv").click()
    download.value.save_as(tmp_path / "table.csv")
    with (tmp_path / "table.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == list(CSV_COLUMNS)
    assert len(rows) == 30
    assert {row["track"] for row in rows} == {"1"}


def test_cancel_stops_at_once_and_leaves_nothing(
    page: Page, server: Server, films: dict[str, Path]
) -> None:
    choose(page, films["long"])
    expect(page.locator("#film-progress")).to_contain_text("left", timeout=PATIENCE_MS)
    expect(page.locator("#film-progress [role=progressbar]")).to_be_visible()
    page.locator("#film-cancel").click()
    expect(page.locator("#film-progress")).to_contain_text("Stopped", timeout=PATIENCE_MS)
    expect(page.locator("#film-start")).to_be_enabled()
    assert not [path for path in server.files() if path.parent.name.startswith("film-")]


def test_what_is_no_film_is_explained_and_the_next_one_works(
    page: Page, films: dict[str, Path], tmp_path: Path
) -> None:
    page.get_by_role("tab", name="Video").click()
    page.locator("#film-start").click()
    expect(page.locator("#film-progress")).to_contain_text("Choose a film", timeout=PATIENCE_MS)
    wrong = tmp_path / "holiday.mp4"
    wrong.write_text("no film", encoding="utf-8")
    choose(page, wrong)
    expect(page.locator("#film-progress")).to_contain_text("cannot be read", timeout=PATIENCE_MS)
    expect(page.locator("#film-start")).to_be_enabled()
