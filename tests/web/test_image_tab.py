"""The image tab in a real browser, and its API, against the real app."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import time
import warnings
from pathlib import Path
from urllib.request import urlopen

import numpy as np
import pillow_heif
import pytest
from PIL import Image as Pillow
from playwright.sync_api import Page, Request, Route, expect
from support.browser import PATIENCE_MS
from support.places import ROOT
from support.running_app import Server

from emotion.images import read_image
from emotion.results import CSV_COLUMNS
from emotion.types import Emotion

CAT, PRINTS = ROOT / "examples" / "cat.jpg", ROOT / "examples" / "prints.jpg"

DROP = """([name, text]) => {
    const bytes = Uint8Array.from(atob(text), letter => letter.charCodeAt(0));
    const carried = new DataTransfer();
    carried.items.add(new File([bytes], name, {type: 'image/jpeg'}));
    const target = document.querySelector('#picture button[aria-dropeffect], #picture button');
    for (const kind of ['dragenter', 'dragover', 'drop'])
        target.dispatchEvent(new DragEvent(kind, {dataTransfer: carried, bubbles: true, cancelable: true}));
}"""


def choose(page: Page, path: Path) -> None:
    """Give the tab a file as the file dialogue would, once the page stands and is ready for it."""
    expect(page.locator("#summary .summary")).to_be_visible()
    expect(page.locator("#picture img")).to_have_count(0)
    page.locator("#picture input[type=file]").set_input_files(path)


def see(page: Page, text: str | re.Pattern[str]) -> None:
    expect(page.locator("#summary .summary")).to_have_text(text)


ONE_FACE = re.compile(rf"^1 face: 1 ({'|'.join(Emotion)})$")


def test_a_dropped_photo_is_read(page: Page, portrait: Path) -> None:
    """From the drop to the label on the page, with the annotated picture; nobody else is asked."""
    import base64

    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.reload()
    expect(page.locator("#picture input[type=file]")).to_be_attached()
    page.evaluate(DROP, ["portrait.jpg", base64.b64encode(portrait.read_bytes()).decode()])
    see(page, ONE_FACE)
    card = page.locator("#results .card")
    expect(card).to_have_count(1)
    label = page.locator("#summary .summary").inner_text().split()[-1]
    expect(card.locator("h3")).to_contain_text(label)
    shares = card.locator(".bars li").all_inner_texts()
    assert [share.split()[0] for share in shares] == list(Emotion)
    assert abs(sum(int(share.split()[1].rstrip("%")) for share in shares) - 100) <= 3
    # The picture that is shown is the dropped one with a box drawn into it.
    shown = page.locator("#annotated img")
    expect(shown).to_be_visible()
    answer = page.request.get(shown.get_attribute("src") or "")
    drawn, original = read_image(answer.body()).astype(int), read_image(portrait).astype(int)
    assert drawn.shape == original.shape
    difference = np.abs(drawn - original).max(axis=2) > 60
    assert 0.002 < difference.mean() < 0.2
    home = page.url.rstrip("/")
    foreign = [url for url in asked if not url.startswith((home, "data:", "blob:"))]
    assert foreign == []
    assert errors == []


def test_downloads_hold_what_the_page_shows(page: Page, tmp_path: Path) -> None:
    shutil.copy(PRINTS, tmp_path / "Drücke.jpg")
    choose(page, tmp_path / "Drücke.jpg")
    see(page, re.compile(r"^6 faces: "))
    texts = {}
    for name in ("CSV", "JSON"):
        with page.expect_download() as download:
            page.get_by_role("link", name=f"Download {name}").click()
        assert download.value.suggested_filename == f"expressions.{name.lower()}"
        texts[name] = Path(download.value.path()).read_text(encoding="utf-8")
    assert texts["CSV"].startswith("\ufeff"), "Excel needs the mark to read the name"
    data = json.loads(texts["JSON"])
    assert (data["source"], data["width"], data["height"]) == ("Drücke.jpg", 1120, 720)
    rows = list(csv.DictReader(io.StringIO(texts["CSV"].removeprefix("\ufeff"))))
    assert {row["source"] for row in rows} == {"Drücke.jpg"}
    assert list(rows[0]) == list(CSV_COLUMNS)
    titles = page.locator("#results .card h3").all_inner_texts()
    for face, row, title in zip(data["faces"], rows, titles, strict=True):
        assert [int(row[key]) for key in ("x1", "y1", "x2", "y2")] == face["box"]
        number, label, share = title.split()
        assert (number, label) == (row["face"], face["label"])
        # Both are rounded, from the same number.
        assert float(share.rstrip("%")) == pytest.approx(100 * face["confidence"], abs=0.51)
        assert row["label"] == face["label"]
    areas = [(x2 - x1) * (y2 - y1) for x1, y1, x2, y2 in (face["box"] for face in data["faces"])]
    assert areas == sorted(areas, reverse=True), "the largest face is number one"
    # The table says the same, once it is unfolded.
    page.get_by_text("All numbers as a table").click()
    expect(page.locator("#results .numbers tbody tr")).to_have_count(6)


def test_a_picture_without_a_face_gets_advice_and_the_settings_act(
    page: Page, portrait: Path
) -> None:
    choose(page, CAT)
    see(page, re.compile(r"^No face found\. Try the other detector"))
    expect(page.locator("#results .card")).to_have_count(0)
    choose(page, portrait)
    see(page, ONE_FACE)
    box = page.locator("#results .numbers tbody td").nth(1)
    before = box.text_content()
    page.get_by_role("radio", name="Haar cascade").check()
    expect(box).not_to_have_text(before or "")  # the other detector draws another box
    see(page, ONE_FACE)
    page.get_by_role("radio", name="MediaPipe").check()
    expect(box).to_have_text(before or "")
    score = page.locator("#min-score input[type=range]")
    score.focus()
    for _ in range(12):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Tab")
    see(page, re.compile("No face found"))


def test_what_runs_when_the_page_opens_runs_only_then(server: Server) -> None:
    """`gr.on` without triggers would also follow each change of its inputs."""
    with urlopen(f"{server.url}/config", timeout=30) as answer:
        events = json.load(answer)["dependencies"]
    opening = [event for event in events if "load" in (name for _, name in event["targets"])]
    assert opening
    assert [event["api_name"] for event in opening if len(event["targets"]) > 1] == []


def test_each_setting_reads_the_viewers_own_picture_again_and_nothing_else(page: Page) -> None:
    """Not the example that the page opens with, whose answer would replace the viewer's."""
    choose(page, CAT)
    see(page, re.compile("^No face found"))
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for name in ("Haar cascade", "posed", "Why?", "MediaPipe"):
        asked.clear()
        with page.expect_response("**/queue/join*"):
            page.get_by_label(name, exact=True).locator("visible=true").check()
        page.wait_for_timeout(1000)
        assert len([url for url in asked if "/queue/join" in url]) == 1, name
        see(page, re.compile("^No face found"))


def test_an_emptied_score_field_is_the_value_at_the_start(page: Page, portrait: Path) -> None:
    """Each keystroke is sent, so also the empty field and numbers that are too large."""
    choose(page, portrait)
    score = page.get_by_label("number input for Minimum score").first
    for typed, seen in (
        ("1", re.compile("^No face")),
        ("", ONE_FACE),
        ("2", re.compile("^No face")),
    ):
        score.fill(typed)
        see(page, seen)
    expect(page.locator(".toast-body")).to_have_count(0)
    expect(page.get_by_label("Reset to default value")).to_have_count(0)


COUNT_VALUES = """() => {
  const send = window.fetch;
  window.fetch = (input, init) => {
    if (typeof init?.body !== "string") return send(input, init);
    const headers = new Headers(init.headers);
    headers.set("X-Values", JSON.parse(init.body).data?.length);
    return send(input, { ...init, headers });
  };
}"""
"""Chromium does not tell Playwright what the page's requests hold; so how many values goes into a header."""


def test_a_quick_change_of_detector_shows_the_last_one(page: Page, portrait: Path) -> None:
    """The first detector's answer is held back until the second one is chosen."""
    choose(page, portrait)
    see(page, ONE_FACE)
    box = page.locator("#results .numbers tbody td").nth(1)
    before = box.text_content() or ""
    score = page.locator("#min-score input[type=number]")
    held: list[Route] = []

    def shows(request: Request) -> bool:
        """The picture is read again: with five settings."""
        return request.headers.get("x-values") == "6"

    def hold(route: Route) -> None:
        if shows(route.request):
            held.append(route)
        else:
            route.continue_()

    page.evaluate(COUNT_VALUES)
    page.route("**/queue/join*", hold)
    with page.expect_request(shows):
        page.get_by_role("radio", name="Haar cascade").check()
    page.get_by_role("radio", name="MediaPipe").check()
    held[0].continue_()
    # Gradio asks again when the first answer is there, or at once if it does not know yet that it has asked.
    until = time.monotonic() + PATIENCE_MS / 1000
    while len(held) < 2:
        assert time.monotonic() < until, "the second change was lost"
        page.wait_for_timeout(20)
    held[1].continue_()
    page.wait_for_timeout(1500)  # both answers have come
    expect(score).to_have_value("0.5")
    expect(box).to_have_text(before)


def test_bad_files_are_explained_and_the_server_goes_on(
    page: Page, portrait: Path, tmp_path: Path
) -> None:
    data = portrait.read_bytes()
    files = {
        "start.jpg": (data[:100], "start.jpg is damaged"),
        "text.jpg": (b"These are words.", "text.jpg is not a picture that can be read (text)"),
        "empty.jpg": (b"", "empty.jpg is empty (0 bytes)"),
        "phone.heic": (b"\0\0\0\x18ftypheic" + b"\0" * 64, "a damaged HEIC or AVIF picture"),
        "logo.svg": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "an SVG drawing"),
    }
    for name, (content, message) in files.items():
        (tmp_path / name).write_bytes(content)
        choose(page, tmp_path / name)
        problem = page.locator("#summary .problem")
        expect(problem).to_contain_text(message)
        expect(problem).to_contain_text("JPEG")
        expect(page.locator("#annotated img")).to_have_count(0)
    choose(page, portrait)
    see(page, ONE_FACE)


def test_what_a_phone_saves_is_read(page: Page, portrait: Path, tmp_path: Path) -> None:
    """HEIC, which the browser itself cannot show."""
    heif = pillow_heif.from_pillow(Pillow.fromarray(read_image(portrait)))
    heif.save(tmp_path / "IMG_0001.HEIC")
    choose(page, tmp_path / "IMG_0001.HEIC")
    see(page, ONE_FACE)


def test_a_picture_that_is_cut_short_is_read_and_says_so(
    page: Page, portrait: Path, tmp_path: Path
) -> None:
    data = portrait.read_bytes()
    (tmp_path / "cut.jpg").write_bytes(data[: len(data) * 9 // 10])
    choose(page, tmp_path / "cut.jpg")
    see(page, "1 face: 1 happy The file is cut short; what is there was read.")


def test_other_kinds_and_files_too_large_are_explained(page: Page, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("words")
    choose(page, tmp_path / "notes.txt")
    expect(page.locator(".toast-body")).to_contain_text("notes.txt")
    page.locator(".toast-close").click()
    with (tmp_path / "huge.jpg").open("wb") as file:
        file.truncate(600_000_000)
    choose(page, tmp_path / "huge.jpg")
    expect(page.locator(".toast-body")).to_contain_text("maximum allowed size")


FOCUSED = """() => {
    const at = document.activeElement;
    const box = at.closest('#picture, #detector, #min-score, #prior, #why, #view, .gallery');
    return box ? box.id || 'examples' : at.textContent.trim();
}"""
"""What part of the tab has the focus, or the text of what has it."""


def test_everything_is_reached_with_the_keyboard(page: Page) -> None:
    """An example is chosen, then a download is reached, without a mouse."""
    expect(page.locator("#picture input[type=file]")).to_be_attached()
    page.get_by_role("tab", name="Image").focus()
    reached: list[str] = []

    def tab_to(name: str) -> None:
        while name not in reached[-1:]:
            assert len(reached) < 60, reached
            page.keyboard.press("Tab")
            reached.append(page.evaluate(FOCUSED))

    tab_to("examples")
    page.keyboard.press("Enter")
    see(page, ONE_FACE)
    tab_to("Download CSV")
    assert set(reached) >= {"picture", "examples", "detector", "min-score", "prior", "why", "view"}


def test_nothing_sticks_out_of_the_window(page: Page, portrait: Path) -> None:
    choose(page, portrait)
    see(page, ONE_FACE)
    expect(page.locator("#annotated img")).to_be_visible()
    for width in (1280, 390, 360):
        page.set_viewport_size({"width": width, "height": 844})
        page.wait_for_function(f"document.querySelector('#annotated').offsetWidth < {width}")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        places = [page.locator(place) for place in ("#annotated", "#annotated img")]
        frame, picture = (place.bounding_box() or {} for place in places)
        assert frame["height"] - picture["height"] < 20, "no empty bars above and below"


CONTRAST = """place => {
    const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
    const light = () => {
        const [r, g, b] = [...canvas.getImageData(0, 0, 1, 1).data].map(c => c / 255)
            .map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05;
    };
    const paint = colour => { canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1); };
    const around = [];
    for (let at = place; at; at = at.parentElement) around.unshift(getComputedStyle(at).backgroundColor);
    around.forEach(paint);
    const behind = light();
    paint(getComputedStyle(place).color);
    return Math.max(light() / behind, behind / light());
}"""


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_is_easy_to_read(page: Page, portrait: Path, theme: str) -> None:
    """WCAG 2.2 asks for 4.5 : 1. Colours are laid over each other as the browser does it."""
    page.goto(f"{page.url}?__theme={theme}")
    choose(page, portrait)
    see(page, ONE_FACE)
    places = ("#header p", "#summary p", ".card h3", ".card small", ".number", ".bars li span")
    for place in (*places, ".bars .top span", ".download", "#footer-notes p", "details > summary"):
        contrast = page.locator(place).first.evaluate(CONTRAST)
        assert contrast >= 4.5, f"{place}: {contrast:.2f}"


def test_the_api_answers_like_the_command_line(server, portrait: Path, tmp_path: Path) -> None:
    """A real ``gradio_client``, with a good picture and with a damaged one."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the client's own
        from gradio_client import Client, handle_file

        client = Client(server.url, verbose=False, analytics_enabled=False)
        answers = {
            detector: client.predict(handle_file(str(portrait)), detector, 0.5, api_name="/analyze")
            for detector in ("mediapipe", "haar")
        }
        (tmp_path / "text.jpg").write_text("words")
        failed = client.predict(
            handle_file(str(tmp_path / "text.jpg")), "haar", 0.5, api_name="/analyze"
        )
        client.close()
    for answer in answers.values():
        assert set(answer) == {"source", "width", "height", "faces", "error", "note"}
        assert (answer["source"], answer["width"], answer["height"]) == ("astronaut.jpg", 512, 512)
        assert answer["error"] is None
        (face,) = answer["faces"]
        assert set(face) == {
            *("box", "score", "label", "confidence", "probabilities", "roll", "sure", "second")
        }
        assert set(face["probabilities"]) == set(Emotion)
        assert face["confidence"] == face["probabilities"][face["label"]]
    assert failed["faces"] == []
    assert "text.jpg is not a picture" in failed["error"]
