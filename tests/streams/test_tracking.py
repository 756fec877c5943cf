"""Tracking on scripted motion: who is who, and labels that stay calm."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import numpy as np
import pytest

from emotion.moments import TrackedFace
from emotion.streams.tracking import FaceTracker
from emotion.types import BoundingBox, Emotion, Face, FaceEmotion, Prediction

FPS = 25.0


def seen(
    x: float, y: float, size: float = 100, *, score: float = 0.9, show: Emotion = Emotion.NEUTRAL
) -> FaceEmotion:
    """A face at a centre, that shows one expression with 0.76."""
    values = {emotion: 0.76 if emotion is show else 0.04 for emotion in Emotion}
    half = size / 2
    box = BoundingBox(round(x - half), round(y - half), round(x + half), round(y + half))
    return FaceEmotion(Face(box, score), Prediction.from_mapping(values))


def between(values: dict[Emotion, float]) -> FaceEmotion:
    """A face at rest with chosen probabilities; the rest is spread evenly."""
    rest = (1 - sum(values.values())) / (len(Emotion) - len(values))
    full = {emotion: values.get(emotion, rest) for emotion in Emotion}
    return FaceEmotion(Face(BoundingBox(0, 0, 100, 100), 0.9), Prediction.from_mapping(full))


def ids(faces: Sequence[TrackedFace]) -> list[int]:
    return [face.track_id for face in faces]


def play(
    tracker: FaceTracker, script: Callable[[float], list[FaceEmotion]], seconds: float, fps: float
) -> list[list[TrackedFace]]:
    return [
        tracker.update(script(frame / fps), frame / fps, min_score=0.5)
        for frame in range(round(seconds * fps))
    ]


def test_a_moving_face_keeps_its_number() -> None:
    frames = play(FaceTracker(), lambda t: [seen(100 + 300 * t, 200)], 2, FPS)
    assert {tuple(ids(frame)) for frame in frames} == {(1,)}


@pytest.mark.parametrize("order", [1, -1])
def test_the_order_of_the_finds_does_not_matter(order: int) -> None:
    tracker = FaceTracker()
    script = [seen(100, 100), seen(400, 100), seen(700, 100)]
    first = tracker.update(script, 0.0)
    again = tracker.update(script[::order], 0.04)
    assert [f.seen.face.box for f in first] == [f.seen.face.box for f in again]
    assert ids(first) == ids(again) == [1, 2, 3]


@pytest.mark.parametrize("fps", [8.0, 25.0, 60.0])
def test_people_who_cross_keep_their_numbers(fps: float) -> None:
    """Two people walk past each other; the one behind is hidden while they overlap."""

    def script(t: float) -> list[FaceEmotion]:
        front, behind = seen(100 + 250 * t, 200), seen(600 - 250 * t, 220)
        hidden = abs(front.face.box.centre.x - behind.face.box.centre.x) < 60
        return [front] if hidden else [front, behind]

    frames = play(FaceTracker(), script, 2, fps)
    start = {face.track_id: face.seen.face.box.centre.x for face in frames[0]}
    end = {face.track_id: face.seen.face.box.centre.x for face in frames[-1]}
    assert start.keys() == end.keys() == {1, 2}
    assert start[1] < start[2]
    assert end[1] > end[2]


@pytest.mark.parametrize("speed", [50, 150, 300, 600])
@pytest.mark.parametrize("stops", [False, True])
def test_who_is_hidden_takes_no_number_from_who_stands_in_front(speed: int, stops: bool) -> None:
    """Somebody walks past, or stops in front of, somebody who stands still and is hidden by it."""

    def script(t: float) -> list[FaceEmotion]:
        x = min(speed * t, 300) if stops else speed * t
        front, behind = seen(x, 205), seen(300, 200)
        return [front] if abs(x - 300) < 60 else [front, behind]

    frames = play(FaceTracker(), script, 500 / speed, 30)
    assert [face.track_id for face in frames[0]] == [1, 2]
    for number, frame in enumerate(frames):
        front = script(number / 30)[0].face.box
        assert [face.track_id for face in frame if face.seen.face.box == front] == [1]


@pytest.mark.parametrize(("between_s", "apart"), [(0.1, 60), (1.0, 150), (1.0, 200)])
def test_neighbours_who_are_missed_in_turn_keep_their_numbers(
    between_s: float, apart: float
) -> None:
    first, second = seen(100, 200), seen(100 + apart, 200)
    tracker = FaceTracker(keep_s=max(1.0, 2 * between_s))
    seats = {1: first.face.box, 2: second.face.box}
    views = [[first, second], [first, second], [first], [second], [first, second]]
    for number, view in enumerate(views):
        for face in tracker.update(view, number * between_s):
            assert face.seen.face.box == seats[face.track_id]


@pytest.mark.parametrize(("gap", "expected"), [(0.4, 1), (0.9, 1), (1.5, 2)])
def test_coming_back_within_a_second_keeps_the_number(gap: float, expected: int) -> None:
    tracker = FaceTracker()
    for frame in range(10):
        tracker.update([seen(300, 200)], frame / FPS)
    left = 9 / FPS
    assert tracker.update([], left + 0.04) == []
    assert ids(tracker.update([seen(330, 205)], left + gap)) == [expected]


def test_a_number_is_never_used_again() -> None:
    tracker = FaceTracker()
    numbers = [ids(tracker.update([seen(300, 200)], float(second))) for second in range(0, 10, 2)]
    assert list(itertools.chain(*numbers)) == [1, 2, 3, 4, 5]


def test_somebody_far_away_is_somebody_else() -> None:
    tracker = FaceTracker()
    tracker.update([seen(100, 100)], 0.0)
    assert ids(tracker.update([seen(900, 500)], 0.04)) == [2]


def test_weak_finds_continue_a_face_but_never_start_one() -> None:
    tracker = FaceTracker()
    assert tracker.update([seen(300, 200, score=0.4)], 0.0, min_score=0.5) == []
    assert ids(tracker.update([seen(300, 200, score=0.9)], 0.04, min_score=0.5)) == [1]
    assert ids(tracker.update([seen(302, 200, score=0.3)], 0.08, min_score=0.5)) == [1]
    assert tracker.update([seen(302, 200, score=0.2)], 0.12, min_score=0.5) == []


def test_weak_finds_alone_do_not_keep_a_face_for_long() -> None:
    """One mistaken sure find must not live on where something weak is seen in every frame."""

    def script(time_s: float) -> list[FaceEmotion]:
        return [seen(300, 200, score=0.9 if time_s == 0 else 0.4)]

    frames = play(FaceTracker(keep_s=1.0), script, 2, FPS)
    assert all(ids(frame) == [1] for frame in frames[:25])
    assert not any(frames[27:])


def test_a_crowd_is_followed_through_noise_and_dropouts() -> None:
    rng = np.random.default_rng(7)
    places = [(150 * column + 100, 150 * row + 100) for row in range(5) for column in range(8)]

    def script(_: float) -> list[FaceEmotion]:
        shown = [p for p in places if rng.random() > 0.1]
        rng.shuffle(shown)
        return [seen(x + rng.normal(0, 3), y + rng.normal(0, 3)) for x, y in shown]

    tracker = FaceTracker()
    first = tracker.update([seen(x, y) for x, y in places], 0.0)
    home = {face.track_id: face.seen.face.box.centre for face in first}
    for frame in range(1, 60):
        for face in tracker.update(script(frame / FPS), frame / FPS):
            centre = face.seen.face.box.centre
            assert abs(centre.x - home[face.track_id].x) < 40
            assert abs(centre.y - home[face.track_id].y) < 40


@pytest.mark.parametrize("fps", [5.0, 10.0, 50.0])
def test_the_half_life_is_in_seconds_not_in_frames(fps: float) -> None:
    tracker = FaceTracker(half_life_s=0.4)
    tracker.update([seen(0, 0, show=Emotion.SAD)], 0.0)
    for frame in range(1, round(0.4 * fps) + 1):
        (face,) = tracker.update([seen(0, 0, show=Emotion.HAPPY)], frame / fps)
    # After one half-life the old and the new expression are level.
    values = face.seen.prediction.as_dict()
    assert values[Emotion.HAPPY] == pytest.approx(values[Emotion.SAD], abs=1e-6)
    assert face.measured.label is Emotion.HAPPY


def test_without_smoothing_each_frame_speaks_for_itself() -> None:
    tracker = FaceTracker(half_life_s=0)
    for frame, show in enumerate([Emotion.SAD, Emotion.HAPPY, Emotion.FEAR]):
        (face,) = tracker.update([seen(0, 0, show=show)], frame / FPS)
        assert face.seen.prediction.label is face.label is show


def test_a_label_changes_only_on_clear_evidence() -> None:
    tracker = FaceTracker(half_life_s=0)
    tracker.update([between({Emotion.SAD: 0.6})], 0.0)
    (face,) = tracker.update([between({Emotion.SAD: 0.40, Emotion.NEUTRAL: 0.45})], 0.04)
    assert face.label is Emotion.SAD
    assert face.confidence == pytest.approx(0.40)
    (face,) = tracker.update([between({Emotion.SAD: 0.30, Emotion.NEUTRAL: 0.45})], 0.08)
    assert face.label is Emotion.NEUTRAL


def test_a_flickering_classifier_gives_one_calm_label() -> None:
    tracker = FaceTracker(half_life_s=0.4)
    labels = []
    for frame in range(50):
        show = Emotion.FEAR if frame % 3 == 2 else Emotion.SURPRISE
        (face,) = tracker.update([seen(0, 0, show=show)], frame / FPS)
        labels.append(face.label)
    assert set(labels) == {Emotion.SURPRISE}


def test_time_cannot_run_backwards() -> None:
    tracker = FaceTracker()
    tracker.update([], 1.0)
    with pytest.raises(ValueError, match="backwards"):
        tracker.update([], 0.5)
    tracker.update([seen(0, 0)], 1.0)
    tracker.update([seen(0, 0)], 1.0)
