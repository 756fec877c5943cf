"""A session as a small report for people: figures, a table, and the expressions over time as SVG."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from emotion.drawing import EXPRESSION_COLOURS
from emotion.streams.session import Person, Summary
from emotion.streams.timeline import Timeline, TimelinePoint
from emotion.types import Emotion, Prediction
from emotion.web.bands import HEIGHT, WIDTH, bands
from emotion.web.languages import Words
from emotion.web.render import render

__all__ = ["MOST_PEOPLE", "progress_html", "summary_html", "timeline_html"]

MOST_PEOPLE = 6
"""People that get a lane and a row of their own: those who were in view longest."""


def summary_html(summary: Summary, timeline: Timeline, words: Words) -> str:
    """The report as HTML, in the viewer's language; a sentence if nothing was seen."""
    people = sorted(summary.people, key=lambda person: (-person.in_view_s, person.track_id))
    listed = sorted(people[:MOST_PEOPLE], key=lambda person: person.track_id)
    return render(
        "session_report",
        words=words,
        summary=summary,
        length=_clock(summary.duration_s, summary.duration_s),
        people=[_row(person, summary.duration_s) for person in listed],
        more=len(people) - MOST_PEOPLE,
        **(_timeline(timeline, words) if people else {}),
    )


def timeline_html(timeline: Timeline, words: Words) -> str:
    """Stacked bands of the seven probabilities over time: everyone first, then one lane for each face."""
    return render("session_timeline", words=words, **_timeline(timeline, words))


def _timeline(timeline: Timeline, words: Words) -> dict[str, object]:
    """What the template of the timeline names."""
    people = timeline.people()[:MOST_PEOPLE]
    lanes = [(words["report_everyone"], timeline.everyone())]
    if len(people) > 1:
        lanes += [(f"{words['face']} {number}", timeline.person(number)) for number in people]
    end_s = max((points[-1].time_s for _, points in lanes if points), default=0.0)
    end_s += timeline.step_s
    return {
        "lanes": [
            {"name": name, "bands": bands(_steps(points, timeline.step_s, end_s))}
            for name, points in lanes
        ],
        "width": WIDTH,
        "height": HEIGHT,
        "ticks": [_clock(end_s * part / 4, end_s) for part in range(5)],
        "expressions": [{"name": e, "colour": EXPRESSION_COLOURS[e]} for e in Emotion],
    }


def _steps(
    points: Sequence[TimelinePoint], step_s: float, end_s: float
) -> Iterator[tuple[float, float, Prediction]]:
    per_second = WIDTH / end_s
    for point, after in zip(points, [*points[1:], None], strict=True):
        if point.mean is None:
            continue
        # The last answer is still on show during a step that has no frame.
        pause = after.time_s - point.time_s if after else step_s
        yield point.time_s * per_second, min(pause, 4 * step_s) * per_second, point.mean


def _row(person: Person, length_s: float) -> dict[str, object]:
    return {
        "number": person.track_id,
        "in_view_s": person.in_view_s,
        "cells": [
            {
                "seconds": person.seconds[emotion],
                "peak": person.peaks[emotion].probability,
                "peak_at": _clock(person.peaks[emotion].time_s, length_s),
            }
            for emotion in Emotion
        ],
    }


def _clock(seconds: float, length_s: float) -> str:
    """A moment as 0:07 or 1:02:33; as 1.4 s in what is shorter than ten seconds."""
    if length_s < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def progress_html(
    text: str,
    share: float | None = None,
    *,
    words: Words,
    problem: bool = False,
    aloud: bool = True,
) -> str:
    """A line of text, with a bar where the share that is done (0–1) is known.

    Args:
        text: What is going on.
        share: How much is done, or None.
        words: In the viewer's language.
        problem: Whether the text says what went wrong.
        aloud: Whether a screen reader says the text. Not for figures that change all the time; who wants
            to know them finds them in the bar.
    """
    return render("progress", words=words, text=text, share=share, problem=problem, aloud=aloud)
