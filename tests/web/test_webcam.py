"""The webcam tab in a real browser with a video as its camera, against the real app."""

from __future__ import annotations

import base64
import csv
import io
import json
import re
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect
from support.sites import site

from benchmarks.fake_camera import write_camera_video
from emotion.images import read_image
from emotion.types import Emotion

if TYPE_CHECKING:
    from support.running_app import Server

Viewers: TypeAlias = Callable[[], AbstractContextManager[BrowserContext]]
PATIENCE_MS = 20_000

COLOURED_PIXELS = """selector => {
    const canvas = document.querySelector(selector);
    if (!canvas.width || !canvas.height) return 0;
    const all = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
    return all.filter((_, at) => at % 4 === 3).reduce((sum, alpha) => sum + (alpha > 0), 0);
}"""


@pytest.fixture(scope="module")
def camera(
    launch: Callable[..., Browser], portrait: Path, tmp_path_factory: pytest.TempPathFactory
) -> Viewers:
    """Makes viewers: browser windows whose camera shows a face for 4 seconds, then nobody for 2."""
    video = tmp_path_factory.mktemp("camera") / "camera.mjpeg"
    write_camera_video(portrait, video, seconds=4, empty_seconds=2)
    browser = launch(
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-video-capture={video}",
        "--host-resolver-rules=MAP camera.test 127.0.0.1",
    )

    @contextmanager
    def viewer() -> Iterator[BrowserContext]:
        context = browser.new_context(accept_downloads=True)
        context.set_default_timeout(PATIENCE_MS)
        try:
            yield context
        finally:
            context.close()

    return viewer


def open_tab(context: BrowserContext, url: str) -> Page:
    page = context.new_page()
    page.goto(url)
    page.get_by_role("tab", name="Webcam").click()
    expect(page.locator(".live")).to_be_visible(timeout=PATIENCE_MS)
    expect(page.get_by_role("button", name="Start camera")).to_be_enabled(timeout=PATIENCE_MS)
    return page


def start(page: Page) -> None:
    page.get_by_role("button", name="Start camera").click()
    expect(page.locator(".live-hud")).to_be_visible(timeout=PATIENCE_MS)


def watch_frames(page: Page) -> None:
    """Keep what the panel says of the latest frame in ``window.last``."""
    page.evaluate("document.addEventListener('expressionframe', e => { window.last = e.detail })")


def figure(page: Page, name: str) -> float:
    return float(page.locator(f"[data-hud={name}]").inner_text())


def see_a_label(page: Page) -> None:
    """Wait for a card with a label and its confidence."""
    label = page.locator(".live-face header b").first
    expect(label).to_contain_text("%", timeout=PATIENCE_MS)
    assert label.inner_text().split()[0] in set(Emotion)


def test_a_viewer_sees_labels_figures_and_time(server: Server, camera: Viewers) -> None:
    with camera() as context:
        page = open_tab(context, server.url)
        expect(page.locator(".live-privacy")).to_contain_text("None is stored")
        start(page)
        see_a_label(page)
        page.wait_for_function("Number(document.querySelector('[data-hud=fps]').textContent) > 2")
        assert figure(page, "detect") > 0
        assert figure(page, "classify") > 0
        assert 0 < figure(page, "latency") < 5000
        assert figure(page, "dropped") >= 0
        expect(page.locator(".live-face .live-bar")).to_have_count(len(Emotion))
        expect(page.locator("[data-mean=count]")).to_have_text("(1 face)", timeout=PATIENCE_MS)
        expect(page.locator(".live-spoken")).to_contain_text(
            re.compile(r"Face \d+: \w+"), timeout=PATIENCE_MS
        )
        # The overlay and the timeline are really drawn.
        for canvas in (".live-overlay", ".live-timeline"):
            page.wait_for_function(f"({COLOURED_PIXELS})('{canvas}') > 100")
        number = page.locator(".live-face").get_attribute("data-face", timeout=PATIENCE_MS)
        # The face leaves: boxes go at once, a hint appears; then it comes back under a new number.
        expect(page.locator(".live-note")).to_contain_text("No face in view", timeout=PATIENCE_MS)
        assert _coloured_pixels(page, ".live-overlay") == 0
        expect(page.locator(".live-face")).not_to_have_attribute(
            "data-face", str(number), timeout=PATIENCE_MS
        )


def test_settings_act_while_the_camera_runs(server: Server, camera: Viewers) -> None:
    with camera() as context:
        page = open_tab(context, server.url)
        watch_frames(page)
        start(page)
        see_a_label(page)
        panel = page.locator("#webcam-settings")
        panel.get_by_label("number input for Minimum score").fill("1")
        page.keyboard.press("Tab")
        page.wait_for_function("window.last.faces.length === 0 && window.last.figures.n > 10")
        panel.get_by_label("number input for Minimum score").fill("0.5")
        page.keyboard.press("Tab")
        page.wait_for_function("window.last.faces.length === 1")
        panel.get_by_label("Face detector").click()
        page.get_by_role("option", name="Haar cascade").click()
        before = page.evaluate("window.last.n")
        page.wait_for_function(f"window.last.n > {before} + 20 && window.last.faces.length === 1")


def test_another_camera_goes_on_with_the_session(server: Server, camera: Viewers) -> None:
    with camera() as context:
        page = open_tab(context, server.url)
        watch_frames(page)
        start(page)
        expect(page.get_by_role("button", name="Start camera")).to_be_disabled()
        page.wait_for_function("window.last && window.last.frame > 20")
        page.evaluate("window.first = document.querySelector('.live video').srcObject")
        # Twice, as with the arrow keys: the second choice comes while the first camera opens.
        page.evaluate(
            "for (const _ of [1, 2])"
            " document.querySelector('[data-do=camera]').dispatchEvent(new Event('change'))"
        )
        before = page.evaluate("window.last.frame")
        page.wait_for_function(
            f"document.querySelector('.live video').srcObject !== window.first"
            f" && window.last.frame > {before} + 10"
        )
        assert page.evaluate("window.first.getTracks()[0].readyState") == "ended"
        page.get_by_role("button", name="Stop").click()
        page.get_by_role("button", name="Session summary").click()
        text = page.locator(".session-report p").first.inner_text()
        assert int(re.search(r"([\d,]+) frames", text)[1].replace(",", "")) > before


def test_a_phone_that_is_turned_turns_the_picture(server: Server, camera: Viewers) -> None:
    """Chromium's fake camera cannot be turned, so its picture says that it was."""
    with camera() as context:
        page = open_tab(context, server.url)
        start(page)
        assert (
            page.evaluate("document.querySelector('.live-stage').style.aspectRatio") == "640 / 480"
        )
        page.evaluate(
            """() => {
                const video = document.querySelector('.live video');
                Object.defineProperty(video, 'videoWidth', { value: 480 });
                Object.defineProperty(video, 'videoHeight', { value: 640 });
                video.dispatchEvent(new Event('resize'));
            }"""
        )
        assert (
            page.evaluate("document.querySelector('.live-stage').style.aspectRatio") == "480 / 640"
        )


def test_stop_releases_the_camera_and_clears_everything(server: Server, camera: Viewers) -> None:
    with camera() as context:
        page = open_tab(context, server.url)
        start(page)
        see_a_label(page)
        page.evaluate("window.media = document.querySelector('.live video').srcObject")
        page.get_by_role("button", name="Stop").click()
        page.wait_for_timeout(500)  # replies that were on their way must change nothing
        assert page.evaluate("document.querySelector('.live video').srcObject") is None
        assert page.evaluate("window.media.getTracks().map(t => t.readyState)") == ["ended"]
        assert _coloured_pixels(page, ".live-overlay") == 0
        expect(page.locator(".live-hud")).to_be_hidden()
        expect(page.locator(".live-face")).to_have_count(0)
        expect(page.locator(".live-message")).to_contain_text("The camera is off")
        # And it can be started again; numbers begin anew.
        start(page)
        see_a_label(page)
        page.get_by_role("tab", name="Image").click()
        page.wait_for_function("document.querySelector('.live video').srcObject === null")


def test_no_camera_frame_reaches_the_disk_or_the_log(server: Server, camera: Viewers) -> None:
    with camera() as context:
        page = open_tab(context, server.url)
        page.evaluate(
            "window.frames_ = 0; document.addEventListener('expressionframe', () => window.frames_++)"
        )
        start(page)
        see_a_label(page)
        files, writes, log = server.files(), server.writes(), server.log()
        seen: set[Path] = set()
        done = threading.Event()

        def watch() -> None:
            while not done.wait(0.02):
                seen.update(server.files())

        watcher = threading.Thread(target=watch)
        watcher.start()
        count = page.evaluate("window.frames_")
        page.wait_for_function(f"window.frames_ > {count} + 60")
        done.set()
        watcher.join()
        assert seen - files == set()
        assert server.writes() == writes
        assert server.log() == log
        databases = page.evaluate("indexedDB.databases().then(all => all.map(d => d.name))")
        assert databases == [], "Gradio's run history must be off: it would keep frames"


def test_the_watch_would_notice_a_file(server: Server, portrait: Path) -> None:
    """The proof above can fail: an uploaded picture is seen by both watches."""
    files, writes = server.files(), server.writes()
    boundary = "picture"
    body = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="files"; filename="a.jpg"\r\n\r\n'
    ).encode() + portrait.read_bytes()
    request = urllib.request.Request(
        f"{server.url}/gradio_api/upload",
        data=body + f"\r\n--{boundary}--\r\n".encode(),
        headers={"Content-Type": f"multipart/form-data; boundary={boundary}"},
    )
    urllib.request.urlopen(request, timeout=20).close()
    assert server.files() - files
    assert len(server.writes()) > len(writes)


def test_an_error_in_one_frame_does_not_end_the_stream(server: Server, camera: Viewers) -> None:
    with camera() as context:
        page = open_tab(context, server.url)
        page.evaluate("""
            window.last = {n: 0}, window.notes = [];
            document.addEventListener('expressionframe', e => { window.last = e.detail });
            new MutationObserver(() => window.notes.push(document.querySelector('.live-note').textContent))
                .observe(document.querySelector('.live-note'), {childList: true});
        """)
        start(page)
        see_a_label(page)
        damaged = [True]

        def send(route: Route) -> None:
            route.continue_(**({"post_data": b"no picture"} if damaged else {}))
            damaged.clear()

        page.route("**/live/frame*", send)
        page.wait_for_function("window.notes.some(note => note.includes('damaged'))")
        before = page.evaluate("window.last.n")
        page.wait_for_function(f"window.last.n > {before} + 10")


def test_snapshot_summary_and_downloads(server: Server, camera: Viewers, tmp_path: Path) -> None:
    with camera() as context:
        page = open_tab(context, server.url)
        start(page)
        see_a_label(page)
        with page.expect_download() as download:
            page.get_by_role("button", name="Snapshot").click()
        download.value.save_as(tmp_path / "snapshot.png")
        picture = read_image(tmp_path / "snapshot.png")
        assert picture.shape == (480, 640, 3)
        assert picture.std() > 20
        expect(page.locator(".live-note")).to_contain_text("No face in view", timeout=PATIENCE_MS)
        page.get_by_role("button", name="Stop").click()
        page.get_by_role("button", name="Session summary").click()
        expect(page.locator(".session-report table tbody tr").first).to_contain_text("s")
        expect(page.locator(".session-report svg").first).to_be_visible()
        texts = {}
        for name in ("CSV", "JSON"):
            with page.expect_download() as download:
                page.get_by_role("button", name=f"Download {name}").click()
            texts[name] = Path(download.value.path()).read_text(encoding="utf-8")
        rows = list(csv.DictReader(io.StringIO(texts["CSV"])))
        times = [float(row["time_s"]) for row in rows]
        assert times == sorted(times)
        assert times[-1] > 1
        assert {bool(row["label"]) for row in rows} == {True, False}
        data = json.loads(texts["JSON"])
        assert data["summary"]["frames"] >= len(data["frames"]) == len(rows)


def test_two_viewers_do_not_disturb_each_other(server: Server, camera: Viewers) -> None:
    with camera() as first, camera() as second:
        pages = [open_tab(context, server.url) for context in (first, second)]
        for page in pages:
            page.evaluate("""
                window.seen = new Set(), window.count = 0;
                document.addEventListener('expressionframe', e => {
                    window.count += 1;
                    e.detail.faces.forEach(face => window.seen.add(face.track));
                })
            """)
            start(page)
        for page in pages:
            page.wait_for_function("window.count > 20 && window.seen.has(1)")


def test_an_insecure_address_is_explained(server: Server, camera: Viewers) -> None:
    with camera() as context:
        page = open_tab(context, server.url.replace("127.0.0.1", "camera.test"))
        page.get_by_role("button", name="Start camera").click()
        expect(page.locator(".live-message")).to_contain_text("https://")


@pytest.mark.parametrize(("allow", "works"), [("camera", True), ("", False)])
def test_in_an_iframe(server: Server, camera: Viewers, allow: str, works: bool) -> None:
    """Another site's page may embed the app; without ``allow="camera"`` the panel says what is missing."""
    html = f'<iframe src="{server.url}" allow="{allow}" width=1000 height=800></iframe>'
    with camera() as context, site(html) as outside:
        page = context.new_page()
        page.goto(outside)
        frame = page.frame_locator("iframe")
        frame.get_by_role("tab", name="Webcam").click()
        frame.get_by_role("button", name="Start camera").click()
        if works:
            expect(frame.locator(".live-face header b")).to_contain_text("%", timeout=PATIENCE_MS)
        else:
            expect(frame.locator(".live-message")).to_contain_text('allow="camera"')


def test_a_camera_in_use_is_explained(server: Server, camera: Viewers) -> None:
    """Chromium's fake camera can be opened any number of times, so here the browser's answer is staged."""
    with camera() as context:
        page = open_tab(context, server.url)
        page.evaluate("""() => {
            navigator.mediaDevices.getUserMedia = () =>
                Promise.reject(new DOMException('Could not start video source', 'NotReadableError'));
        }""")
        page.get_by_role("button", name="Start camera").click()
        expect(page.locator(".live-message")).to_contain_text("Another program")
        expect(page.get_by_role("button", name="Start camera")).to_be_enabled()


@pytest.mark.parametrize(
    ("flags", "text"),
    [
        (["--use-fake-device-for-media-stream", "--deny-permission-prompts"], "Permission denied"),
        (["--use-fake-ui-for-media-stream"], "No camera found"),
    ],
)
def test_without_permission_or_camera(
    server: Server, launch: Callable[..., Browser], flags: list[str], text: str
) -> None:
    browser = launch(*flags)
    page = open_tab(browser.new_context(), server.url)
    page.get_by_role("button", name="Start camera").click()
    expect(page.locator(".live-message")).to_contain_text(text, timeout=PATIENCE_MS)
    expect(page.get_by_role("button", name="Start camera")).to_be_enabled()
    browser.close()


def _coloured_pixels(page: Page, canvas: str) -> int:
    """How many pixels of a canvas are not transparent."""
    return int(page.evaluate(COLOURED_PIXELS, canvas))


SLOW_PERMISSION = """() => {
    const honest = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
    navigator.mediaDevices.getUserMedia = async (wanted) => {
        await new Promise(allow => { window.allow = allow });
        window.media = await honest(wanted);
        return window.media;
    };
}"""
"""The browser's question, answered when the test says so."""


def test_a_camera_that_is_allowed_too_late_is_released(server: Server, camera: Viewers) -> None:
    with camera() as context:
        page = open_tab(context, server.url)
        page.evaluate(SLOW_PERMISSION)
        page.get_by_role("button", name="Start camera").click()
        page.get_by_role("tab", name="Image").click()
        expect(page.locator(".live")).to_be_hidden()
        page.evaluate("window.allow()")
        page.wait_for_function("window.media && window.media.getTracks()[0].readyState === 'ended'")
        page.get_by_role("tab", name="Webcam").click()
        expect(page.locator(".live-message")).to_contain_text("another tab")
        expect(page.get_by_role("button", name="Start camera")).to_be_enabled()


def test_who_comes_back_to_the_page_is_told_why_the_camera_is_off(
    server: Server, camera: Viewers
) -> None:
    with camera() as context:
        page = open_tab(context, server.url)
        page.evaluate("window.dispatchEvent(new PageTransitionEvent('pagehide'))")
        expect(page.locator(".live-message")).to_contain_text("Press “Start camera”")
        start(page)
        page.evaluate("window.dispatchEvent(new PageTransitionEvent('pagehide'))")
        expect(page.locator(".live-message")).to_contain_text("you left this page")
        expect(page.get_by_role("button", name="Start camera")).to_be_enabled()


def test_an_emptied_score_field_does_not_stop_the_frames(server: Server, camera: Viewers) -> None:
    with camera() as context:
        page = open_tab(context, server.url)
        watch_frames(page)
        start(page)
        see_a_label(page)
        score = page.locator("#webcam-settings").get_by_label("number input for Minimum score")
        score.fill("1")
        page.wait_for_function("window.last.faces.length === 0")
        # Not left: the browser would then fill in the smallest number.
        for typed in ("", "0"):
            score.fill(typed)
            before = page.evaluate("window.last.n")
            page.wait_for_function(f"window.last.n > {before} + 10 && window.last.faces.length")


def test_a_second_download_does_not_cost_the_first(server: Server, camera: Viewers) -> None:
    """Both answers are held back until both are asked for."""
    with camera() as context:
        page = open_tab(context, server.url)
        held: list[Route] = []
        page.route("**/live/report*", lambda route: held.append(route))
        for name in ("CSV", "JSON"):
            with page.expect_request("**/live/report*"):
                page.get_by_role("button", name=f"Download {name}").click()
        names = []
        for route in held:
            with page.expect_download() as download:
                route.continue_()
            names.append(download.value.suggested_filename)
        assert names == ["expression-session.csv", "expression-session.json"]


def summed_up(page: Page) -> int:
    """Frames of the session, by its summary."""
    page.get_by_role("button", name="Session summary").click()
    text = page.locator(".session-report p").first.inner_text(timeout=PATIENCE_MS)
    return int(re.search(r"([\d,]+) frames", text)[1].replace(",", ""))


def test_a_session_outlives_a_reload(server: Server, camera: Viewers) -> None:
    with camera() as context:
        page = open_tab(context, server.url)
        watch_frames(page)
        start(page)
        page.wait_for_function("window.last && window.last.frame > 60")
        page.reload()
        page.get_by_role("tab", name="Webcam").click()
        expect(page.locator(".live-message")).to_contain_text("session is still here")
        before = summed_up(page)
        assert before > 60
        watch_frames(page)
        page.get_by_role("button", name="Continue").click()
        page.wait_for_function(f"window.last && window.last.frame > {before} + 10")
        page.get_by_role("button", name="Stop").click()
        with page.expect_download() as download:
            page.get_by_role("button", name="Download CSV").click()
        text = Path(download.value.path()).read_text(encoding="utf-8")
        times = [float(row["time_s"]) for row in csv.DictReader(io.StringIO(text))]
        assert times == sorted(times)
        # Start begins a new one.
        whole = page.evaluate("window.last.frame")
        start(page)
        page.wait_for_function(f"window.last.frame < {before}")
        page.get_by_role("button", name="Stop").click()
        assert summed_up(page) < whole


def test_a_second_window_with_the_same_session_takes_it_over(
    server: Server, camera: Viewers
) -> None:
    """Browsers copy a tab with its memory ("Duplicate")."""
    with camera() as context:
        first = open_tab(context, server.url)
        start(first)
        see_a_label(first)
        token = first.evaluate("sessionStorage.getItem('emotion-session')")
        second = context.new_page()
        second.add_init_script(f"sessionStorage.setItem('emotion-session', '{token}')")
        second.goto(server.url)
        second.get_by_role("tab", name="Webcam").click()
        second.get_by_role("button", name="Continue").click()
        see_a_label(second)
        first.bring_to_front()
        expect(first.locator(".live-message")).to_contain_text("another tab of your browser")


FROZEN_CAMERA = """
window.cameraRuns = true;
navigator.mediaDevices.getUserMedia = async () => {
    const canvas = Object.assign(document.createElement('canvas'), { width: 640, height: 480 });
    const portrait = new Image();
    portrait.src = FACE;
    await portrait.decode();
    let number = 0;
    setInterval(() => {
        if (!window.cameraRuns) return;
        const context = canvas.getContext('2d');
        context.fillRect(0, 0, 640, 480);
        context.drawImage(portrait, 80 + 20 * Math.sin(number++ / 20), 0, 480, 480);
    }, 40);
    return canvas.captureStream(25);
};
"""
"""A camera that stops sending while its track stays "live": a closed shutter, a phone that rings."""


def test_a_camera_that_freezes_is_noticed_and_goes_on(
    server: Server, camera: Viewers, portrait: Path
) -> None:
    face = "data:image/jpeg;base64," + base64.b64encode(portrait.read_bytes()).decode()
    with camera() as context:
        context.add_init_script(FROZEN_CAMERA.replace("FACE", json.dumps(face)))
        page = open_tab(context, server.url)
        watch_frames(page)
        start(page)
        see_a_label(page)
        page.evaluate("window.cameraRuns = false")
        expect(page.locator(".live-note")).to_contain_text("stopped sending", timeout=PATIENCE_MS)
        expect(page.locator(".live-face")).to_have_count(0)
        expect(page.locator(".live-hud")).to_be_hidden()
        assert _coloured_pixels(page, ".live-overlay") == 0
        page.wait_for_timeout(500)  # answers that were on their way must change nothing
        assert _coloured_pixels(page, ".live-overlay") == 0
        before = page.evaluate("window.last.frame")
        page.evaluate("window.cameraRuns = true")
        page.wait_for_function(f"window.last.frame > {before} + 5")
        expect(page.locator(".live-note")).to_be_hidden()
        expect(page.locator(".live-hud")).to_be_visible()
        see_a_label(page)


def test_pictures_are_encoded_beside_the_page_and_where_that_cannot_be_in_it(
    server: Server, camera: Viewers
) -> None:
    for missing in (
        "",
        "delete window.OffscreenCanvas",
        "window.Worker = class { constructor() { throw 0 } }",
    ):
        with camera() as context:
            context.add_init_script(f"""
                {missing};
                window.inPage = 0;
                const honest = HTMLCanvasElement.prototype.toBlob;
                HTMLCanvasElement.prototype.toBlob = function (...all) {{
                    window.inPage += 1;
                    return honest.apply(this, all);
                }};
            """)
            page = open_tab(context, server.url)
            start(page)
            see_a_label(page)
            assert (page.evaluate("window.inPage") > 0) == bool(missing)
