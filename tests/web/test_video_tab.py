"""The video tab, mostly in a real browser: progress, results that play, cancel, clear words for no video."""

from __future__ import annotations

import csv
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Browser, Page, expect

from emotion.errors import VideoError
from emotion.pipeline import EmotionPipeline
from emotion.results import MOMENT_COLUMNS
from emotion.streams.analyze_video import VideoSettings
from emotion.web.kept import FORGET_AFTER_S
from emotion.web.languages import words_for
from emotion.web.video_jobs import VideoJob, VideoJobs, VideoLine

if TYPE_CHECKING:
    from support.running_app import Server

PATIENCE_MS = 60_000


def choose(page: Page, video: Path) -> None:
    page.get_by_role("tab", name="Video").click()
    page.locator("#video input[type=file]").set_input_files(video)
    expect(page.locator("#video")).to_contain_text(video.stem, timeout=PATIENCE_MS)
    page.locator("#video-start").click()


def test_a_video_becomes_an_annotated_copy_a_table_and_a_timeline(
    page: Page, videos: dict[str, Path], tmp_path: Path
) -> None:
    choose(page, videos["short"])
    expect(page.locator("#video-progress")).to_contain_text("Done", timeout=PATIENCE_MS)
    expect(page.locator("#video-report tbody tr")).to_have_count(1)
    expect(page.locator("#video-report svg")).to_be_visible()
    page.wait_for_function("document.querySelector('#video-copy video').duration > 1.8")
    page.evaluate("document.querySelector('#video-copy video').play()")
    page.wait_for_function("document.querySelector('#video-copy video').currentTime > 0.2")
    with page.expect_download() as download:
        page.locator("#video-csv").click()
    download.value.save_as(tmp_path / "table.csv")
    with (tmp_path / "table.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == list(MOMENT_COLUMNS)
    assert len(rows) == 30
    assert {row["track"] for row in rows} == {"1"}


def test_cancel_stops_at_once_and_leaves_nothing(
    page: Page, server: Server, videos: dict[str, Path]
) -> None:
    choose(page, videos["long"])
    expect(page.locator("#video-progress")).to_contain_text("left", timeout=PATIENCE_MS)
    expect(page.locator("#video-progress [role=progressbar]")).to_be_visible()
    page.locator("#video-cancel").click()
    expect(page.locator("#video-progress")).to_contain_text("Stopped", timeout=PATIENCE_MS)
    expect(page.locator("#video-start")).to_be_enabled()
    assert not [path for path in server.files() if path.match("video-*/long*")]


def test_what_is_no_video_is_explained_and_the_next_one_works(
    page: Page, videos: dict[str, Path], tmp_path: Path
) -> None:
    page.get_by_role("tab", name="Video").click()
    page.locator("#video-start").click()
    expect(page.locator("#video-progress")).to_contain_text("Choose a video", timeout=PATIENCE_MS)
    wrong = tmp_path / "holiday.mp4"
    wrong.write_text("no video", encoding="utf-8")
    choose(page, wrong)
    expect(page.locator("#video-progress")).to_contain_text("cannot be read", timeout=PATIENCE_MS)
    expect(page.locator("#video-start")).to_be_enabled()


def test_who_waits_for_another_video_is_told_so_and_may_cancel(
    page: Page, browser: Browser, server: Server, videos: dict[str, Path]
) -> None:
    choose(page, videos["long"])
    expect(page.locator("#video-progress")).to_contain_text("left", timeout=PATIENCE_MS)
    context = browser.new_context()
    second = context.new_page()
    second.goto(server.url)
    choose(second, videos["short"])
    expect(second.locator("#video-progress")).to_contain_text("Waiting", timeout=PATIENCE_MS)
    second.locator("#video-cancel").click()
    expect(second.locator("#video-progress")).to_contain_text("Stopped", timeout=PATIENCE_MS)
    second.locator("#video-start").click()
    expect(second.locator("#video-progress")).to_contain_text("Waiting", timeout=PATIENCE_MS)
    page.locator("#video-cancel").click()
    expect(second.locator("#video-progress")).to_contain_text("Done", timeout=PATIENCE_MS)
    expect(second.locator("#video-start")).to_be_enabled()
    context.close()


def test_a_video_is_found_again_after_a_reload(page: Page, videos: dict[str, Path]) -> None:
    choose(page, videos["long"])
    expect(page.locator("#video-progress")).to_contain_text("left", timeout=PATIENCE_MS)
    page.reload()
    page.get_by_role("tab", name="Video").click()
    expect(page.locator("#video-progress")).to_contain_text("left", timeout=PATIENCE_MS)
    expect(page.locator("#video-start")).to_be_disabled()
    page.locator("#video-cancel").click()
    expect(page.locator("#video-progress")).to_contain_text("Stopped", timeout=PATIENCE_MS)
    # So is one that is done, with its results.
    choose(page, videos["short"])
    expect(page.locator("#video-progress")).to_contain_text("Done", timeout=PATIENCE_MS)
    page.reload()
    page.get_by_role("tab", name="Video").click()
    expect(page.locator("#video-report tbody tr")).to_have_count(1, timeout=PATIENCE_MS)
    expect(page.locator("#video-copy video")).to_be_visible(timeout=PATIENCE_MS)


def test_a_video_that_the_server_no_longer_knows_is_not_waited_for(
    page: Page, server: Server
) -> None:
    page.add_init_script("sessionStorage.setItem('emotion-video', 'a'.repeat(32))")
    page.goto(server.url)
    page.get_by_role("tab", name="Video").click()
    expect(page.locator("#video-progress")).to_contain_text("no longer knows", timeout=PATIENCE_MS)
    expect(page.locator("#video-start")).to_be_enabled()


SETTINGS = VideoSettings(0.5)
WORDS = words_for(None)


@pytest.fixture(scope="module")
def pipeline() -> Iterator[EmotionPipeline]:
    with EmotionPipeline.from_pretrained(detector="haar") as shared:
        yield shared


def ended(jobs: VideoJobs, key: str) -> VideoJob:
    """A job once nothing more happens to it."""
    for _ in range(6000):
        job = jobs.get(key)
        assert job is not None
        if job.progress.ended:
            return job
        time.sleep(0.01)
    raise AssertionError(job.progress)


def test_an_unforeseen_error_is_logged_and_the_next_video_is_read(
    caplog: pytest.LogCaptureFixture, pipeline: EmotionPipeline, videos: dict[str, Path]
) -> None:
    def broken() -> EmotionPipeline:
        raise RuntimeError("out of luck")

    jobs = VideoJobs()
    jobs.begin("a", VideoJob(videos["short"], SETTINGS, broken, WORDS))
    jobs.begin("b", VideoJob(videos["short"], SETTINGS, lambda: pipeline, WORDS))
    first = ended(jobs, "a").progress
    assert "log says why" in first.text
    assert first.problem
    assert "out of luck" in caplog.text
    done = ended(jobs, "b")
    assert done.copy
    assert done.copy.is_file()
    jobs.forget("b")
    assert not done.copy.exists()


def test_a_video_that_was_cancelled_in_the_line_is_passed_over(
    pipeline: EmotionPipeline, tmp_path: Path
) -> None:
    jobs, wrong = VideoJobs(), tmp_path / "video.mp4"
    wrong.write_text("no video", encoding="utf-8")
    held = threading.Event()
    jobs.line.put(lambda: held.wait(20) and None)
    job = jobs.begin("a", VideoJob(wrong, SETTINGS, lambda: pipeline, WORDS))
    job.stop()
    assert job.progress.text == WORDS["video_stopped"]
    jobs.begin("b", VideoJob(wrong, SETTINGS, lambda: pipeline, WORDS))
    jobs.begin("c", VideoJob(None, SETTINGS, lambda: pipeline, WORDS))
    held.set()
    assert "cannot be read" in ended(jobs, "b").progress.text
    assert ended(jobs, "c").progress.text == WORDS["video_choose"]
    assert job.progress.text == WORDS["video_stopped"], "its file was not even opened"


def test_a_press_that_arrives_twice_is_one_video(pipeline: EmotionPipeline) -> None:
    """A request that is tried again after the line broke may have arrived before."""
    jobs = VideoJobs()
    first = jobs.begin("a", VideoJob(None, SETTINGS, lambda: pipeline, WORDS))
    assert jobs.begin("a", VideoJob(None, SETTINGS, lambda: pipeline, WORDS)) is first


def test_a_video_that_nobody_asks_for_any_more_is_stopped(
    pipeline: EmotionPipeline, videos: dict[str, Path]
) -> None:
    job = VideoJob(videos["long"], SETTINGS, lambda: pipeline, WORDS)
    job.asked_at -= FORGET_AFTER_S + 1
    job.run()
    assert job.progress.text == WORDS["video_stopped"]
    assert job.copy is None


def test_programs_wait_in_the_same_line() -> None:
    line, order = VideoLine(), list[str]()
    line.put(lambda: order.append("tab"))
    assert line.wait_for(lambda: order.append("api") or "answer") == "answer"
    assert order == ["tab", "api"]
    with pytest.raises(VideoError, match="broken"):
        line.wait_for(fail)


def fail() -> None:
    raise VideoError("This video is broken.")
