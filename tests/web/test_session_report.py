"""The report on a session: nothing that was seen is left blank, and everybody can read it."""

from __future__ import annotations

import re

import pytest
from support.tracked_faces import face

from emotion.moments import Moment
from emotion.streams.session import Session
from emotion.streams.timeline import Timeline
from emotion.web.languages import words_for
from emotion.web.session_report import WIDTH, progress_html, summary_html, timeline_html

WORDS = words_for(None)


@pytest.mark.parametrize("every_s", [0.0, 0.2, 1.0, 5.0])
def test_a_video_leaves_no_gaps_between_its_looks(every_s: float) -> None:
    """Widths of the drawn pieces of the one expression that reaches the top of the lane."""
    timeline = Timeline.of_video(every_s)
    between_s = every_s or 0.04
    for number in range(60):
        timeline.add(number * between_s, [face(1)])
    first = re.search(r"<path d='([^']+)'", timeline_html(timeline, WORDS))
    assert first
    wide = sum(float(width) for width in re.findall(r"h([\d.]+)v", first[1]))
    assert wide == pytest.approx(WIDTH, rel=0.02)


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        (2, ["0.0 s", "0.5 s", "1.0 s", "1.5 s", "2.0 s"]),
        (240, ["0:00", "1:00", "2:00", "3:00", "4:00"]),
    ],
)
def test_no_two_marks_of_the_axis_read_the_same(seconds: int, written: list[str]) -> None:
    timeline = Timeline.of_video(0.04)
    for number in range(seconds * 25):
        timeline.add(number * 0.04, [face(1)])
    axis = timeline_html(timeline, WORDS).partition("session-axis'>")[2].partition("</div>")[0]
    assert re.findall(r"<span>(.*?)</span>", axis) == written


def test_the_table_can_be_scrolled_with_the_keyboard() -> None:
    session, timeline = Session(), Timeline()
    session.add(Moment(0, 0.0, (face(1),)))
    timeline.add(0.0, [face(1)])
    html = summary_html(session.summary(), timeline, WORDS)
    (scroll,) = re.findall(r"<div class='session-scroll'[^>]*>", html)
    for needed in ("tabindex='0'", "role='region'", "aria-label='"):
        assert needed in scroll


def test_progress_has_a_name_and_is_not_said_aloud_at_every_step() -> None:
    moving = progress_html("12 of 60 s have been read.", 0.2, words=WORDS, aloud=False)
    assert re.search(r"role='progressbar' aria-label='[^']+'", moving)
    assert "role='status'" not in moving
    done = progress_html("Done in 3 s.", 1.0, words=WORDS)
    assert re.search(r"<p role='status'>Done in 3 s.</p>", done), "the words, not the bar"
