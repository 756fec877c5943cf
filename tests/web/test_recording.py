"""Recording from the webcam and the video tab, and the live feed: browsers with videos as their cameras."""

from __future__ import annotations

import csv
import io
import json
import re
import sqlite3
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from support.places import EXAMPLES
from support.running_app import running_app
from support.sites import site

from benchmarks.fake_camera import write_camera_video
from emotion.results import MOMENT_COLUMNS
from emotion.storage.database import Database
from emotion.storage.export import export
from emotion.storage.queries import Selection

PATIENCE_MS = 90_000
AS_WRITTEN = "http://127.0.0.1:7860"
BROWSER = "C" * 32


@dataclass(frozen=True)
class Recording:
    """A running app with metrics, and its database."""

    url: str
    database: Path


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recording]:
    """The app with a database of its own."""
    folder = tmp_path_factory.mktemp("recording")
    options = ("--records", str(folder / "records.db"), "--metrics")
    with running_app(folder / "log", *options) as running:
        yield Recording(running.url, folder / "records.db")


@pytest.fixture
def viewer(
    launch: Callable[..., Browser], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], BrowserContext]]:
    """Makes viewers whose cameras show a picture of ``examples/``; each has a browser of its own."""
    browsers: list[Browser] = []

    def start(picture: str) -> BrowserContext:
        video = tmp_path_factory.mktemp("camera") / "camera.mjpeg"
        write_camera_video(EXAMPLES / picture, video, seconds=4)
        browser = launch(
            "--use-fake-device-for-media-stream",
            "--use-fake-ui-for-media-stream",
            f"--use-file-for-fake-video-capture={video}",
        )
        browsers.append(browser)
        context = browser.new_context(accept_downloads=True)
        context.set_default_timeout(PATIENCE_MS)
        context.add_init_script(f"localStorage.setItem('emotion-viewer', '{BROWSER}')")
        return context

    yield start
    for browser in browsers:
        browser.close()


def start_camera(context: BrowserContext, url: str) -> Page:
    page = context.new_page()
    page.goto(f"{url}/webcam")
    page.get_by_role("button", name="Start camera").click()
    page.locator(".live-stage[data-state=live]").wait_for()
    faces = page.locator("#webcam-panel .live-faces")
    expect(faces).to_contain_text(re.compile("happy|neutral"), timeout=PATIENCE_MS)
    return page


def exported(database: Path, source: str) -> list[dict[str, str]]:
    records = Database(str(database))
    with records.begin() as connection:
        text = b"".join(export(connection, Selection(None, source=source), "csv")).decode()
    records.close()
    return list(csv.DictReader(io.StringIO(text)))


def test_a_recorded_webcam_equals_the_sessions_own_csv(
    app: Recording, viewer: Callable[[str], BrowserContext]
) -> None:
    """Row by row, digit by digit, from the moment in which the switch was pressed."""
    page = start_camera(viewer("astronaut.jpg"), app.url)
    assert not app.database.exists()  # nothing is kept unasked
    page.get_by_label("Record this session").check()
    live = page.locator("#webcam-record .record-live")
    expect(live).to_contain_text(f"in {app.database}", timeout=PATIENCE_MS)
    expect(page.locator("#webcam-record [data-recording=on]")).to_have_count(1)
    page.wait_for_timeout(60_000)
    page.get_by_label("Record this session").uncheck()
    expect(live).to_be_hidden()
    page.get_by_role("button", name="Stop", exact=True).click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download CSV").first.click()
    own = list(csv.DictReader(io.StringIO(Path(download.value.path()).read_text())))
    page.wait_for_timeout(3_000)
    stored = exported(app.database, "webcam")
    assert len(stored) > 30
    first, last = (int(stored[at]["frame"]) for at in (0, -1))
    same_time = [row for row in own if first <= int(row["frame"]) <= last]
    assert [{name: row[name] for name in MOMENT_COLUMNS} for row in stored] == same_time
    assert {row["weights"] for row in stored} == {"compact"}
    with sqlite3.connect(app.database) as connection:
        [(owner,)] = connection.execute("SELECT owner FROM emotion_session").fetchall()
    connection.close()
    assert len(owner) == 64
    assert BROWSER not in owner

    page.goto(f"{app.url}/dashboard")
    expect(page.locator("#records-table")).to_contain_text("happy", timeout=PATIENCE_MS)


def test_a_new_session_is_not_recorded(
    app: Recording, viewer: Callable[[str], BrowserContext]
) -> None:
    page = start_camera(viewer("astronaut.jpg"), app.url)
    page.get_by_label("Record this session").check()
    expect(page.locator("#webcam-record [data-recording=on]")).to_have_count(1)
    page.get_by_role("button", name="Stop", exact=True).click()
    page.get_by_role("button", name="Start camera").click()
    page.locator(".live-stage[data-state=live]").wait_for()
    expect(page.locator("#webcam-record [data-recording=on]")).to_have_count(0, timeout=PATIENCE_MS)
    expect(page.get_by_label("Record this session")).not_to_be_checked()


def test_a_video_is_recorded_when_asked(
    app: Recording, browser: Browser, videos: dict[str, Path]
) -> None:
    context = browser.new_context()
    context.set_default_timeout(PATIENCE_MS)
    context.add_init_script(f"localStorage.setItem('emotion-viewer', '{BROWSER}')")
    page = context.new_page()
    page.goto(f"{app.url}/video")
    page.locator("#video input[type=file]").set_input_files(videos["short"])
    for recorded in (False, True):
        if recorded:
            page.locator("#video-record input").check()
        page.get_by_role("button", name="Read the video").click()
        done = page.locator("#video-progress")
        expect(done).not_to_contain_text("Done in")
        expect(done).to_contain_text("Done in", timeout=PATIENCE_MS)
        assert ("Recorded as session" in done.inner_text()) == recorded
    page.wait_for_timeout(3_000)
    rows = exported(app.database, "video")
    assert {row["title"] for row in rows} == {"short.mp4"}
    assert len({row["frame"] for row in rows}) == 30
    context.close()


def test_an_advertisement_follows_two_viewers(
    app: Recording, viewer: Callable[[str], BrowserContext], browser: Browser
) -> None:
    """It hears both sessions: first one that smiles, then only one that does not."""
    pages = [start_camera(viewer(name), app.url) for name in ("astronaut.jpg", "hopper.jpg")]
    names = []
    for page in pages:
        page.get_by_label("Live feed for programs").check()
        feed = page.locator("#webcam-record .record-feed")
        expect(feed).to_contain_text("session=", timeout=PATIENCE_MS)
        names.append(re.findall("session=([0-9a-f]{12})", feed.inner_text())[0])
    html = (EXAMPLES / "live" / "advertisement.html").read_text(encoding="utf-8")
    assert AS_WRITTEN in html
    with site(html.replace(AS_WRITTEN, app.url)) as address:
        screen = browser.new_page()
        screen.goto(f"{address}?session={names[0]}&session={names[1]}")
        expect(screen.locator("#crowd")).to_contain_text("2 faces in view", timeout=PATIENCE_MS)
        expect(screen.locator("#advertisement")).to_contain_text("Celebrate", timeout=PATIENCE_MS)
        pages[0].get_by_role("button", name="Stop", exact=True).click()
        expect(screen.locator("#crowd")).to_contain_text("1 face in view", timeout=PATIENCE_MS)
        expect(screen.locator("#advertisement")).not_to_contain_text(
            "Celebrate", timeout=PATIENCE_MS
        )
        screen.close()
    feed_of_nobody = f"{app.url}/live/events?session=000000000000"
    with urllib.request.urlopen(feed_of_nobody, timeout=30) as response:
        lines = [response.readline().decode() for _ in range(4)]
    event = json.loads(lines[3].removeprefix("data: "))
    assert (event["sessions"], event["faces"], event["probabilities"]) == (0, 0, None)


def test_metrics_count_what_was_read(app: Recording, portrait: Path) -> None:
    settings = "detector=mediapipe&min_score=0.5&half_life_s=0"
    for number in range(1, 13):
        frame = urllib.request.Request(
            f"{app.url}/live/frame?run=1&n={number}&time_s={number / 10}&{settings}",
            portrait.read_bytes(),
            {"Content-Type": "image/jpeg", "X-Emotion-Token": "M" * 32},
        )
        urllib.request.urlopen(frame, timeout=30).close()
    with urllib.request.urlopen(f"{app.url}/metrics", timeout=30) as response:
        text = response.read().decode()
    frames = float(re.findall(r'emotion_frames_total\{source="webcam"\} (\S+)', text)[0])
    faces = float(re.findall(r'emotion_faces_total\{source="webcam"\} (\S+)', text)[0])
    assert frames >= 12
    assert faces >= 12
    assert f'emotion_stage_seconds_count{{stage="detect"}} {frames}' in text
    assert BROWSER not in text


@pytest.mark.parametrize(
    "query", ["", "?session=all", "?session=x&seconds=nan", "?session=x&every=0"]
)
def test_feeds_that_are_refused(app: Recording, query: str) -> None:
    with pytest.raises(urllib.error.HTTPError, match="400"):
        urllib.request.urlopen(f"{app.url}/live/events{query}", timeout=30)
