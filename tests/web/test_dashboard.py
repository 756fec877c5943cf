"""The dashboard in a real browser, and who sees whose records."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from support.running_app import App, run_app, running_app
from support.streams import moments

from emotion.storage.database import Database
from emotion.storage.recorder import Origin, Recorder, owner_hash

MINE, OTHER = "A" * 32, "B" * 32
PATIENCE_MS = 60_000


@dataclass(frozen=True)
class Shown:
    """A running app and its database."""

    app: App
    database: Path


def record(database: Path, owner: str, *, title: str = "", frames: int = 300) -> str:
    """Record a stream as the app would; the session's name."""
    recorder = Recorder(Database(str(database)))
    origin = Origin(owner, "video" if title else "webcam", title, "mediapipe", "compact")
    recording = recorder.start(origin, every_s=0.1)
    for moment in moments(frames):
        recording.add(moment)
    assert recorder.close().lost == 0
    return recording.name


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shown]:
    """An app without a login, whose database starts empty."""
    folder = tmp_path_factory.mktemp("dashboard")
    with running_app(folder / "log", "--records", str(folder / "records.db")) as app:
        yield Shown(app, folder / "records.db")


@pytest.fixture
def visit(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Opens the dashboard as one of several browsers, told apart by the token that they keep."""
    contexts = []

    def open_page(url: str, token: str | None, **options: object) -> Page:
        context = browser.new_context(timezone_id="Europe/Berlin", **options)  # type: ignore[arg-type]
        contexts.append(context)
        context.set_default_timeout(PATIENCE_MS)
        if token:
            script = f"localStorage.setItem('emotion-viewer', '{token}')"
            context.add_init_script(script)
        page = context.new_page()
        page.goto(f"{url}/dashboard")
        page.locator(".records-place").wait_for()
        return page

    yield open_page
    for context in contexts:
        context.close()


def test_the_empty_dashboard_says_how_to_begin(shown: Shown, visit: Callable[..., Page]) -> None:
    page = visit(shown.app.url, None)
    expect(page.locator(".records-empty")).to_contain_text("switch on “Record”")
    expect(page.locator(".records-place")).to_contain_text(str(shown.database))
    token = page.evaluate("localStorage.getItem('emotion-viewer')")
    assert len(token) == 32
    page.reload()
    page.locator(".records-place").wait_for()
    assert page.evaluate("localStorage.getItem('emotion-viewer')") == token
    assert not shown.database.exists()


def test_two_browsers_see_and_delete_their_own(shown: Shown, visit: Callable[..., Page]) -> None:
    record(shown.database, owner_hash("browser", MINE), title="my-match.mp4")
    record(shown.database, owner_hash("browser", OTHER), title="their-match.mp4")
    mine, theirs = visit(shown.app.url, MINE), visit(shown.app.url, OTHER)
    expect(mine.locator("#records-table")).to_contain_text("my-match.mp4", timeout=PATIENCE_MS)
    expect(mine.locator("body")).not_to_contain_text("their-match.mp4")
    expect(theirs.locator("#records-table")).to_contain_text("their-match.mp4")
    expect(theirs.locator("body")).not_to_contain_text("my-match.mp4")

    theirs.get_by_role("button", name="Delete all my sessions").click()
    expect(theirs.locator("#records-confirm")).to_contain_text("Delete 1 session for good?")
    theirs.get_by_role("button", name="Keep").click()
    expect(theirs.locator("#records-confirm")).to_be_hidden()
    theirs.get_by_role("button", name="Delete all my sessions").click()
    theirs.get_by_role("button", name="Delete for good").click()
    expect(theirs.locator(".records-empty")).to_be_visible(timeout=PATIENCE_MS)
    mine.get_by_role("button", name="Refresh").click()
    expect(mine.locator("#records-table")).to_contain_text("my-match.mp4")
    with sqlite3.connect(shown.database) as connection:
        rows = connection.execute("SELECT title, observations FROM emotion_session").fetchall()
    connection.close()
    assert [title for title, _ in rows] == ["my-match.mp4"]


def test_charts_strips_and_a_closer_look(shown: Shown, visit: Callable[..., Page]) -> None:
    record(shown.database, owner_hash("browser", MINE), frames=1_200)
    page = visit(shown.app.url, MINE, viewport={"width": 1280, "height": 1000})
    for chart in ("#records-distribution", "#records-trend", "#records-faces"):
        page.locator(f"{chart} canvas, {chart} svg.marks").first.wait_for()
    expect(page.locator(".records-cards li")).to_have_count(7)
    shares = page.locator(".records-cards b").all_inner_texts()
    assert 97 <= sum(int(share.rstrip("%")) for share in shares) <= 103
    expect(page.locator("#records-strips .session-lane")).not_to_have_count(0)
    whole = page.locator("#records-strips .session-axis span").all_inner_texts()
    chart = page.locator("#records-trend canvas, #records-trend svg.marks").first.bounding_box()
    assert chart is not None
    x, y = chart["x"] + chart["width"] / 2, chart["y"] + chart["height"] / 3
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 60, y, steps=5)
    page.mouse.up()
    axis = page.locator("#records-strips .session-axis span")
    expect(axis.first).not_to_have_text(whole[0], timeout=PATIENCE_MS)


def test_what_is_exported_is_what_is_stored(shown: Shown, visit: Callable[..., Page]) -> None:
    name = record(shown.database, owner_hash("browser", MINE), frames=50)
    page = visit(shown.app.url, MINE)
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
    text = Path(download.value.path()).read_text()
    rows = list(csv.DictReader(io.StringIO(text)))
    assert {row["session"] for row in rows} == {name}
    assert len({row["frame"] for row in rows}) == 50
    assert download.value.suggested_filename.endswith(".csv")
    with pytest.raises(urllib.error.HTTPError, match="404"):  # a link works once
        urllib.request.urlopen(download.value.url, timeout=30)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_phone_shows_it_without_scrolling_sideways(
    shown: Shown, visit: Callable[..., Page], theme: str
) -> None:
    record(shown.database, owner_hash("browser", MINE), frames=50)
    page = visit(f"{shown.app.url}", MINE, viewport={"width": 390, "height": 844})
    page.goto(f"{shown.app.url}/dashboard?__theme={theme}")
    page.locator(".records-cards li").first.wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_with_a_login_everyone_has_their_own(
    tmp_path: Path, browser: Browser, visit: Callable[..., Page]
) -> None:
    """The same browser, two users: what counts is who logged in."""
    database = tmp_path / "records.db"
    record(database, owner_hash("user", "ann"), title="anns.mp4")
    record(database, owner_hash("user", "bob"), title="bobs.mp4")
    record(database, owner_hash("browser", MINE), title="nobodys.mp4")
    options = (
        "--auth",
        "ann:apple",
        "--auth",
        "bob:banana",
        "--records",
        str(database),
        "--metrics",
    )
    with running_app(tmp_path / "log", *options) as app:
        for user, password in (("ann", "apple"), ("bob", "banana")):
            context = browser.new_context()
            context.set_default_timeout(PATIENCE_MS)
            context.add_init_script(f"localStorage.setItem('emotion-viewer', '{MINE}')")
            login = context.request.post(
                f"{app.url}/login", form={"username": user, "password": password}
            )
            assert login.ok
            page = context.new_page()
            page.goto(f"{app.url}/dashboard")
            expect(page.locator("#records-table")).to_contain_text(
                f"{user}s.mp4", timeout=PATIENCE_MS
            )
            other = {"ann": "bobs.mp4", "bob": "anns.mp4"}[user]
            expect(page.locator("body")).not_to_contain_text(other)
            expect(page.locator("body")).not_to_contain_text("nobodys.mp4")
            assert context.request.get(f"{app.url}/metrics").ok
            context.close()
        for path in ("metrics", "live/events?session=all", "records/export/x"):
            with pytest.raises(urllib.error.HTTPError, match="401"):
                urllib.request.urlopen(f"{app.url}/{path}", timeout=30)
        basic = {"Authorization": "Basic YW5uOmFwcGxl"}  # ann:apple
        request = urllib.request.Request(f"{app.url}/metrics", headers=basic)
        with urllib.request.urlopen(request, timeout=30) as response:
            assert b"emotion_records_waiting 0.0" in response.read()
        wrong = urllib.request.Request(
            f"{app.url}/metrics", headers={"Authorization": "Basic YW5uOndyb25n"}
        )
        with pytest.raises(urllib.error.HTTPError, match="401"):
            urllib.request.urlopen(wrong, timeout=30)


def test_a_shared_dashboard_shows_all_and_deletes_ones_own(
    tmp_path: Path, visit: Callable[..., Page]
) -> None:
    database = tmp_path / "records.db"
    record(database, owner_hash("browser", OTHER), title="theirs.mp4")
    options = ("--shared-dashboard", "--records", str(database))
    with running_app(tmp_path / "log", *options) as app:
        page = visit(app.url, MINE)
        expect(page.locator("#records-table")).to_contain_text("theirs.mp4", timeout=PATIENCE_MS)
        page.get_by_role("button", name="Delete all my sessions").click()
        expect(page.locator("#records-answer")).to_contain_text("You have no such session")
        with urllib.request.urlopen(f"{app.url}/live/events?session=all", timeout=30) as response:
            response.readline()
        with pytest.raises(urllib.error.HTTPError, match="404"):  # not asked for
            urllib.request.urlopen(f"{app.url}/metrics", timeout=30)


def test_a_database_that_cannot_be_used_is_explained(
    tmp_path: Path, visit: Callable[..., Page]
) -> None:
    (tmp_path / "records.db").write_text("This is no database. " * 100)
    with running_app(tmp_path / "log", "--records", str(tmp_path / "records.db")) as app:
        page = visit(app.url, MINE)
        expect(page.locator(".records-problem")).to_contain_text("not a database")


def test_records_can_be_switched_off(tmp_path: Path) -> None:
    with (
        running_app(tmp_path / "log", "--records", "off") as app,
        urllib.request.urlopen(f"{app.url}/config", timeout=30) as response,
    ):
        tabs = [
            c["props"].get("id")
            for c in json.load(response)["components"]
            if c["type"] == "tabitem"
        ]
    assert tabs == ["image", "webcam", "video", "model"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--shared-dashboard", "--auth", "me:secret"), "without --auth"),
        (("--keep-days", "0"), "more than 0"),
        (("--records", "redis://x"), "redis"),
    ],
)
def test_options_that_make_no_sense(options: tuple[str, ...], said: str) -> None:
    done = run_app("app.py", *options)
    assert done.returncode in (1, 2)
    assert said in done.stderr
