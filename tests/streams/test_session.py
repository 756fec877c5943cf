"""Sessions and timelines: what is counted, kept and written."""

from __future__ import annotations

import csv
import io
import json

import pytest
from support.tracked_faces import face

from emotion.moments import Moment, TrackedFace
from emotion.results import MOMENT_COLUMNS
from emotion.streams.session import Session, mean_prediction
from emotion.streams.timeline import Timeline
from emotion.types import Emotion


def filled(*moments: tuple[float, list[TrackedFace]]) -> Session:
    session = Session()
    for number, (time_s, faces) in enumerate(moments):
        session.add(Moment(number, time_s, tuple(faces)))
    return session


def kept(session: Session) -> list[dict[str, object]]:
    """The moments that can still be saved."""
    frames: list[dict[str, object]] = json.loads(session.to_json())["frames"]
    return frames


def test_an_empty_session_has_an_empty_summary() -> None:
    summary = Session().summary()
    assert (summary.duration_s, summary.frames, summary.people) == (0, 0, ())
    assert list(csv.reader(io.StringIO(Session().to_csv()))) == [list(MOMENT_COLUMNS)]


def test_the_crowd_is_the_mean_of_its_faces() -> None:
    mean = mean_prediction([face(1, Emotion.HAPPY, 0.7), face(2, Emotion.SAD, 0.7)])
    assert mean is not None
    assert mean.as_dict()[Emotion.HAPPY] == pytest.approx((0.7 + 0.05) / 2)
    assert sum(mean.probabilities) == pytest.approx(1)
    assert mean_prediction([]) is None


def test_time_is_counted_for_the_label_of_each_face() -> None:
    session = filled(
        (10.0, [face(1)]),
        (10.5, [face(1), face(2, Emotion.SAD)]),
        (11.0, [face(1, Emotion.SAD, 0.9)]),
        (11.5, []),
    )
    summary = session.summary()
    assert summary.duration_s == pytest.approx(1.5)
    assert (summary.frames, summary.frames_with_faces, summary.most_faces) == (4, 3, 2)
    first, second = summary.people
    assert first.seconds[Emotion.HAPPY] == pytest.approx(0.5)
    assert first.seconds[Emotion.SAD] == pytest.approx(0.5)
    assert first.in_view_s == pytest.approx(1.0)
    assert (first.first_s, first.last_s) == (10.0, 11.0)
    assert first.peaks[Emotion.SAD].time_s == 11.0
    assert first.peaks[Emotion.SAD].probability == pytest.approx(0.9)
    assert second.seconds[Emotion.SAD] == pytest.approx(0.5)
    assert summary.seconds[Emotion.SAD] == pytest.approx(1.0)


def test_a_long_pause_is_not_time_in_which_an_expression_was_shown() -> None:
    summary = filled((0.0, [face(1)]), (0.5, [face(1)]), (60.0, [face(1)])).summary()
    assert summary.people[0].seconds[Emotion.HAPPY] == pytest.approx(0.5)


@pytest.mark.parametrize("between_s", [300.0, 5.0, 30 * 1001 / 30000, 0.04])
def test_a_video_counts_the_time_between_its_looks(between_s: float) -> None:
    """A video has no pauses: each frame stays until the next one."""
    session = Session.of_video()
    for number in range(11):
        session.add(Moment(number, number * between_s, (face(1),)))
    assert session.summary().people[0].in_view_s == pytest.approx(10 * between_s)


def test_who_appears_after_a_long_look_at_nobody_was_not_there_before() -> None:
    session = Session.of_video()
    for time_s, faces in ((0.0, [face(1)]), (60.0, [face(1), face(2)]), (61.0, [face(1), face(2)])):
        session.add(Moment(0, time_s, tuple(faces)))
    assert [person.in_view_s for person in session.summary().people] == [61.0, 1.0]


def test_a_frame_that_stays_shows_what_it_shows() -> None:
    session = Session.of_video()
    for time_s, faces in (
        (0.0, [face(1, Emotion.HAPPY)]),
        (60.0, [face(1, Emotion.SAD)]),
        (61.0, [face(1, Emotion.SAD)]),
        (71.0, []),
        (36_000.0, [face(1, Emotion.SAD)]),
    ):
        session.add(Moment(0, time_s, tuple(faces)))
    (person,) = session.summary().people
    assert person.seconds[Emotion.HAPPY] == 60
    assert person.seconds[Emotion.SAD] == 1 + 10, "ten hours are a fault of the clock"


def test_csv_has_a_row_for_frames_without_a_face() -> None:
    session = filled((0.0, [face(1), face(2)]), (0.5, []), (1.0, [face(1)]))
    rows = list(csv.DictReader(io.StringIO(session.to_csv())))
    assert [(row["time_s"], row["frame"], row["track"]) for row in rows] == [
        ("0.000", "0", "1"),
        ("0.000", "0", "2"),
        ("0.500", "1", ""),
        ("1.000", "2", "1"),
    ]
    assert [rows[0][c] for c in ("x1", "y1", "x2", "y2")] == ["10", "20", "110", "140"]
    assert rows[0]["label"] == "happy"
    assert sum(float(rows[0][emotion]) for emotion in Emotion) == pytest.approx(1, abs=1e-3)
    assert all(not rows[2][column] for column in MOMENT_COLUMNS[2:])


def test_json_holds_summary_and_frames() -> None:
    data = json.loads(filled((0.0, [face(3)]), (0.5, [])).to_json())
    assert data["summary"]["frames"] == 2
    assert data["summary"]["people"][0]["peaks"]["happy"]["probability"] == pytest.approx(0.7)
    assert [frame["time_s"] for frame in data["frames"]] == [0.0, 0.5]
    assert data["frames"][0]["faces"][0]["track"] == 3
    assert data["frames"][1]["faces"] == []


def test_only_so_many_moments_are_kept_but_all_are_counted() -> None:
    session = Session(keep=10)
    for number in range(3000):
        session.add(Moment(number, number / 30, (face(1),)))
    assert len(kept(session)) == 10
    assert session.summary().frames == 3000
    assert session.summary().people[0].in_view_s == pytest.approx(2999 / 30)


def test_a_crowd_takes_no_more_room_than_one_face() -> None:
    session = Session(keep=10)
    for number in range(100):
        session.add(Moment(number, number / 5, tuple(face(n) for n in range(1, 5))))
    assert [moment["frame"] for moment in kept(session)] == [98, 99]
    assert len(session.to_csv().splitlines()) == 1 + 2 * 4


@pytest.mark.parametrize(("fps", "kept_a_second"), [(10, 10), (30, 10), (5, 5)])
def test_at_most_ten_moments_a_second_are_kept(fps: int, kept_a_second: int) -> None:
    session = Session()
    for number in range(fps * 10):
        session.add(Moment(number, number / fps, ()))
    assert len(kept(session)) == pytest.approx(kept_a_second * 10, abs=1)


def test_a_timeline_averages_over_steps_and_shows_gaps() -> None:
    timeline = Timeline(step_s=1.0)
    for time_s, faces in (
        (0.0, [face(1)]),
        (0.5, [face(1), face(2, Emotion.SAD)]),
        (1.0, []),
        (2.0, [face(2, Emotion.SAD)]),
    ):
        timeline.add(time_s, faces)
    first, gap, last = timeline.everyone()
    assert (first.time_s, first.faces) == (0.0, 1.5)
    assert first.mean is not None
    assert first.mean.as_dict()[Emotion.HAPPY] == pytest.approx((0.7 + 0.7 + 0.05) / 3)
    assert (gap.faces, gap.mean) == (0, None)
    assert last.mean is not None
    assert timeline.people() == [1, 2]
    assert [point.mean is None for point in timeline.person(1)] == [False, True, True]


def test_a_timeline_stays_small_and_true_however_long_the_stream() -> None:
    timeline = Timeline(step_s=0.5, max_steps=60)
    for second in range(7200):
        timeline.add(float(second), [face(1, Emotion.SAD if second >= 3600 else Emotion.HAPPY)])
    points = timeline.everyone()
    assert len(points) <= 60
    assert all(point.mean and sum(point.mean.probabilities) == pytest.approx(1) for point in points)
    half = len(points) // 2
    assert points[0].mean is not None
    assert points[0].mean.label is Emotion.HAPPY
    assert points[-1].mean is not None
    assert points[-1].mean.label is Emotion.SAD
    assert points[half].time_s == pytest.approx(3600, rel=0.05)
