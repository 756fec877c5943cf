"""A session as a small report for people: figures, a table, and the expressions over time as SVG."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from emotion.drawing import EXPRESSION_COLOURS
from emotion.session import Person, Summary
from emotion.timeline import Timeline, TimelinePoint
from emotion.types import Emotion

__all__ = ["MOST_PEOPLE", "progress_html", "summary_html", "timeline_html"]

MOST_PEOPLE = 6
"""People that get a lane and a row of their own: those who were in view longest."""

WIDTH, HEIGHT = 1000, 100


def summary_html(summary: Summary, timeline: Timeline) -> str:
    """The report as HTML; plain words if nothing was seen."""
    if not summary.frames:
        return "<p>There is no session yet.</p>"
    share = summary.frames_with_faces / summary.frames
    length = summary.duration_s
    head = (
        f"<p><b>{_clock(length, length)}</b> long, {summary.frames:,} frames, "
        f"a face in view in {share:.0%} of them, at most {summary.most_faces} at once.</p>"
    )
    if not summary.people:
        return head + "<p>No face was in view.</p>"
    people = sorted(summary.people, key=lambda person: (-person.in_view_s, person.track_id))
    listed = sorted(people[:MOST_PEOPLE], key=lambda person: person.track_id)
    rows = "".join(_row(person, length) for person in listed)
    more = len(people) - MOST_PEOPLE
    note = f"<p>{more} more faces were in view for a shorter time.</p>" if more > 0 else ""
    columns = "".join(f"<th scope='col'>{emotion}</th>" for emotion in Emotion)
    return (
        f"<div class='session-report'>{head}{timeline_html(timeline)}"
        "<div class='session-scroll' tabindex='0' role='region' aria-label='Seconds for each expression'>"
        "<table><caption>Seconds for each expression, and its peak</caption>"
        f"<thead><tr><th scope='col'>face</th><th scope='col'>in view</th>{columns}</tr></thead>"
        f"<tbody>{rows}</tbody></table></div>{note}</div>"
    )


def timeline_html(timeline: Timeline) -> str:
    """Stacked bands of the seven probabilities over time: everyone first, then one lane for each face."""
    people = timeline.people()[:MOST_PEOPLE]
    lanes = [("everyone", timeline.crowd())]
    if len(people) > 1:
        lanes += [(f"face {number}", timeline.person(number)) for number in people]
    end_s = max((points[-1].time_s for _, points in lanes if points), default=0.0)
    end_s += timeline.step_s
    drawn = "".join(
        f"<div class='session-lane'><span>{name}</span>"
        f"<svg viewBox='0 0 {WIDTH} {HEIGHT}' preserveAspectRatio='none' shape-rendering='crispEdges' "
        f"role='img' aria-label='Expressions of {name} over time; the table has the figures'>"
        f"{_bands(points, timeline.step_s, end_s)}</svg></div>"
        for name, points in lanes
    )
    ticks = "".join(f"<span>{_clock(end_s * part / 4, end_s)}</span>" for part in range(5))
    legend = "".join(
        f"<li style='--tone:{EXPRESSION_COLOURS[emotion]}'><i></i>{emotion}</li>"
        for emotion in Emotion
    )
    return f"{drawn}<div class='session-axis'>{ticks}</div><ul class='live-legend'>{legend}</ul>"


def _bands(points: Sequence[TimelinePoint], step_s: float, end_s: float) -> str:
    """One shape for each expression, made of a rectangle for each step."""
    per_second = WIDTH / end_s
    shapes = dict.fromkeys(Emotion, "")
    for point, after in zip(points, [*points[1:], None], strict=True):
        if point.mood is None:
            continue
        # A step in which no frame came is no gap in what was shown.
        pause = after.time_s - point.time_s if after else step_s
        x, wide = point.time_s * per_second, min(pause, 4 * step_s) * per_second
        y = float(HEIGHT)
        for emotion, probability in point.mood.as_dict().items():
            tall = probability * HEIGHT
            y -= tall
            shapes[emotion] += f"M{x:.1f} {y:.1f}h{wide:.2f}v{tall:.1f}h-{wide:.2f}z"
    return "".join(
        f"<path d='{path}' fill='{EXPRESSION_COLOURS[emotion]}'/>"
        for emotion, path in shapes.items()
        if path
    )


def _row(person: Person, length_s: float) -> str:
    cells = "".join(
        f"<td>{person.seconds[emotion]:.1f} s<br><small>{person.peaks[emotion].probability:.0%} at "
        f"{_clock(person.peaks[emotion].time_s, length_s)}</small></td>"
        for emotion in Emotion
    )
    return (
        f"<tr><th scope='row'>{person.track_id}</th><td>{person.in_view_s:.1f} s</td>{cells}</tr>"
    )


def _clock(seconds: float, length_s: float) -> str:
    """A moment as 0:07 or 1:02:33; as 1.4 s in what is shorter than ten seconds."""
    if length_s < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def progress_html(
    text: str, share: float | None = None, *, problem: bool = False, aloud: bool = True
) -> str:
    """A line of text, with a bar where the share that is done (0–1) is known.

    Args:
        text: What is going on.
        share: How much is done, or None.
        problem: Whether the text says what went wrong.
        aloud: Whether a screen reader says the text. Not for figures that change all the time; who wants
            to know them finds them in the bar.
    """
    bar = (
        ""
        if share is None
        else f"<div class='film-bar' role='progressbar' aria-label='Reading the film' "
        f"aria-valuemin='0' aria-valuemax='100' aria-valuenow='{share * 100:.0f}'>"
        f"<i style='width:{share:.1%}'></i></div>"
    )
    style = " class='film-problem'" if problem else ""
    role = " role='status'" if aloud else ""
    return f"<div class='film-progress'>{bar}<p{style}{role}>{escape(text)}</p></div>"
