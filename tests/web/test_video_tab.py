"""The video tab, mostly in a real browser: progress, results that play, cancel, clear words for no film."""

from __future__ import annotations

import asyncio
import csv
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr
import pytest
from playwright.sync_api import Browser, Page, expect

from emotion.moments import CSV_COLUMNS
from emotion.web.pipelines import Pipelines
from emotion.web.video_tab import NO_FILM, STOPPED, FilmJob, build_video_tab

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


def test_who_waits_for_another_film_is_told_so_and_may_cancel(
    page: Page, browser: Browser, server: Server, films: dict[str, Path]
) -> None:
    choose(page, films["long"])
    expect(page.locator("#film-progress")).to_contain_text("left", timeout=PATIENCE_MS)
    context = browser.new_context()
    second = context.new_page()
    second.goto(server.url)
    choose(second, films["short"])
    expect(second.locator("#film-progress")).to_contain_text("Waiting", timeout=PATIENCE_MS)
    second.locator("#film-cancel").click()
    expect(second.locator("#film-progress")).to_contain_text("Stopped", timeout=PATIENCE_MS)
    second.locator("#film-start").click()
    expect(second.locator("#film-progress")).to_contain_text("Waiting", timeout=PATIENCE_MS)
    page.locator("#film-cancel").click()
    expect(second.locator("#film-progress")).to_contain_text("Done", timeout=PATIENCE_MS)
    expect(second.locator("#film-start")).to_be_enabled()
    context.close()


def handlers(pipelines: Pipelines) -> dict[str, Callable[..., Any]]:
    """What the tab calls, by name."""

    # Gradio leaves event loops behind where none is running while a page is built; in a thread of its own,
    # because the browser's is running in this one.
    async def build() -> gr.Blocks:
        with gr.Blocks() as tab:
            build_video_tab(pipelines, "haar")
        return tab

    with ThreadPoolExecutor() as thread:
        tab = thread.submit(lambda: asyncio.run(build())).result()
    return {call.name: call.fn for call in tab.fns.values()}


class Broken(Pipelines):
    """Fails as only a mistake in the program could, once the tab is built."""

    broken = False

    def get(self, detector: str) -> Any:
        if self.broken:
            raise RuntimeError("out of luck")
        return super().get(detector)


def test_an_unforeseen_error_is_logged_and_gives_the_button_back(
    caplog: pytest.LogCaptureFixture,
) -> None:
    pipelines, job = Broken(None, "litert"), FilmJob()
    calls = handlers(pipelines)
    pipelines.broken = True
    number, _, start, *_ = calls["on_start"](job, "film.mp4")
    assert not start.interactive
    *_, (text, start, stop, *_) = calls["on_read"](job, number, "film.mp4", "haar", 0.5, 0.0)
    assert "log says why" in text
    assert (start.interactive, stop.interactive) == (True, False)
    assert "out of luck" in caplog.text


def test_a_film_that_was_cancelled_in_the_line_is_passed_over(tmp_path: Path) -> None:
    job, calls, wrong = FilmJob(), handlers(Pipelines(None, "litert")), tmp_path / "film.mp4"
    wrong.write_text("no film", encoding="utf-8")
    assert NO_FILM in calls["on_start"](job, None)[1]
    first, _, start, stop, *_ = calls["on_start"](job, str(wrong))
    assert (start.interactive, stop.interactive) == (False, True)
    text, start, stop, *_ = calls["on_cancel"](job)
    assert STOPPED in text
    assert (start.interactive, stop.interactive) == (True, False)
    second, *_ = calls["on_start"](job, str(wrong))
    [skipped] = calls["on_read"](job, first, str(wrong), "haar", 0.5, 0.0)
    assert all(value == gr.skip() for value in skipped)
    *_, (text, *_) = calls["on_read"](job, second, str(wrong), "haar", 0.5, 0.0)
    assert "cannot be read" in text
