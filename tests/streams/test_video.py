"""Videos: every container comes out right, damaged ones are explained, the copy plays and is complete."""

from __future__ import annotations

import csv
import math
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import PIL.Image
import pytest
from av.video.reformatter import Colorspace
from support.places import ROOT
from support.videos import FPS, add_tone, corner_colours, make_video, quadrants

from emotion.errors import VideoError
from emotion.images import read_image
from emotion.pipeline import EmotionPipeline
from emotion.results import MOMENT_COLUMNS
from emotion.streams.analyze_video import VideoSettings, analyze_video
from emotion.streams.canvas import MAX_SIDE
from emotion.streams.reader import VideoFrame, VideoReader
from emotion.streams.session import Session
from emotion.streams.writer import VideoWriter
from emotion.types import BoundingBox, Emotion, Face, FaceEmotion, Image, Prediction


def sounding(path: Path) -> list[tuple[float, float]]:
    """The parts of a video in which it sounds, in seconds."""
    parts: list[tuple[float, float]] = []
    with av.open(str(path)) as video:
        for frame in video.decode(audio=0):
            if frame.time is None or np.abs(frame.to_ndarray()).max() < 0.05:
                continue
            begin, end = frame.time, frame.time + frame.samples / frame.sample_rate
            if parts and begin < parts[-1][1] + 0.1:
                begin, _ = parts.pop()
            parts.append((begin, end))
    return parts


def streams(path: Path) -> dict[str, float]:
    """Codec of each stream of a video and its decoded length in seconds."""
    lengths: dict[str, float] = {}
    with av.open(str(path)) as video:
        for frame in video.decode():
            name = frame_codec(video, frame)
            lengths[name] = max(lengths.get(name, 0.0), float(frame.time or 0))
    return lengths


def frame_codec(video: av.container.InputContainer, frame: object) -> str:
    chosen = video.streams.video if isinstance(frame, av.VideoFrame) else video.streams.audio
    return chosen[0].codec_context.name


def copy_video(path: Path, copy: Path) -> list[VideoFrame]:
    """Pass a video through reader and writer."""
    frames = []
    with VideoReader(path) as reader, VideoWriter(copy, sound=reader) as writer:
        for frame in reader:
            frames.append(frame)
            writer.write(frame.image, frame.time_s)
    return frames


def nobody(_: Image, **_how: object) -> list[FaceEmotion]:
    return []


def somebody(_: Image, **_how: object) -> list[FaceEmotion]:
    shares = dict.fromkeys(Emotion, 0.1) | {Emotion.HAPPY: 0.4}
    return [FaceEmotion(Face(BoundingBox(10, 10, 80, 80), 0.9), Prediction.from_mapping(shares))]


@pytest.fixture(scope="module")
def pipeline() -> Iterator[EmotionPipeline]:
    with EmotionPipeline.from_pretrained() as shared:
        yield shared


CONTAINERS = [
    ("video.mp4", "libx264", "aac", "yuv420p"),
    ("video.webm", "libvpx-vp9", "libopus", "yuv420p"),
    ("video.avi", "mjpeg", "pcm_s16le", "yuvj420p"),
    ("video.mov", "mpeg4", "pcm_s16le", "yuv420p"),
    ("video.mkv", "libx264", "flac", "yuv420p"),
    ("video.jpg", "libx264", "aac", "yuv420p"),
]


@pytest.mark.parametrize(("name", "codec", "sound", "pix_fmt"), CONTAINERS)
def test_videos_of_all_kinds_are_read_and_copied_with_their_sound(
    tmp_path: Path, name: str, codec: str, sound: str, pix_fmt: str
) -> None:
    """The last one is an mp4 with a wrong ending: what a file holds decides, not its name."""
    made = tmp_path / Path(name).with_suffix(".mp4" if name.endswith("jpg") else Path(name).suffix)
    video = make_video(made, [quadrants()] * 30, codec=codec, sound=sound, pix_fmt=pix_fmt)
    video = video.rename(tmp_path / f"in-{name}")
    copy = tmp_path / "copy.mp4"
    with VideoReader(video) as reader, VideoWriter(copy, sound=reader) as writer:
        frames = list(reader)
        for frame in frames:
            writer.write(frame.image, frame.time_s)
    assert len(frames) == 30
    assert [frame.index for frame in frames] == list(range(30))
    assert [frame.time_s for frame in frames] == pytest.approx(
        [n / FPS for n in range(30)], abs=0.03
    )
    assert corner_colours(frames[-1].image) == ["red", "green", "blue", "white"]
    assert not reader.damaged
    lengths = streams(copy)
    assert set(lengths) == {"h264", "aac"}
    assert lengths["h264"] == pytest.approx(29 / FPS, abs=0.05)
    assert lengths["aac"] == pytest.approx(30 / FPS, abs=0.1)
    with av.open(str(copy)) as made_copy:
        assert made_copy.streams.video[0].codec_context.pix_fmt == "yuv420p"


def test_a_video_without_sound_and_with_odd_sides(tmp_path: Path) -> None:
    video = make_video(tmp_path / "odd.webm", [quadrants(161, 121)] * 5, codec="libvpx-vp9")
    with VideoReader(video) as reader, VideoWriter(tmp_path / "copy.mp4", sound=reader) as writer:
        for frame in reader:
            assert frame.image.shape == (121, 161, 3)
            writer.write(frame.image, frame.time_s)
    with av.open(str(tmp_path / "copy.mp4")) as copy:
        assert len(copy.streams) == 1
        assert (copy.streams.video[0].width, copy.streams.video[0].height) == (162, 122)


def test_the_rotation_flag_of_phones_is_honoured(tmp_path: Path, ffmpeg: str) -> None:
    """Each phone's way up, as ffmpeg itself shows the same file."""
    video = make_video(tmp_path / "flat.mp4", [quadrants()] * 5)
    turned, shown = tmp_path / "turned.mov", tmp_path / "shown.png"
    # The flag is spelt in the old way and in the new one, of which ffmpeg 6 dropped the first.
    old = ["-i", video, "-metadata:s:v", "rotate=90", "-c", "copy", turned]
    new = ["-display_rotation", "90", "-i", video, "-c", "copy", turned]
    for arguments in (new, old):
        if not subprocess.run([ffmpeg, "-v", "quiet", "-y", *arguments], check=False).returncode:
            break
    subprocess.run([ffmpeg, "-v", "error", "-i", turned, "-frames:v", "1", shown], check=True)
    with VideoReader(turned) as reader:
        image = next(iter(reader)).image
    assert image.shape == (160, 120, 3)
    assert corner_colours(image) == corner_colours(read_image(shown))
    assert corner_colours(image) != corner_colours(quadrants())


@pytest.mark.parametrize(
    ("width", "pixel_ratio", "turned", "shape", "scale"),
    [
        (180, Fraction(64, 45), 0, (120, 256), 1.0),
        (160, Fraction(1, 2), 0, (240, 160), 1.0),
        (160, Fraction(2, 1), 90, (320, 120), 1.0),
        (1200, Fraction(2, 1), 0, (96, 1920), 0.8),
        (160, Fraction(1, 255), 0, (120, 160), 1.0),  # a mistake, as players see it
    ],
)
def test_pixels_that_are_not_square_are_stretched(
    tmp_path: Path,
    width: int,
    pixel_ratio: Fraction,
    turned: int,
    shape: tuple[int, int],
    scale: float,
) -> None:
    images = [quadrants(width)] * 2
    video = make_video(tmp_path / "video.mp4", images, pixel_ratio=pixel_ratio, turned=turned)
    first, _ = copy_video(video, tmp_path / "copy.mp4")
    assert first.image.shape[:2] == shape
    assert first.scale == pytest.approx(scale)
    assert first.size == pytest.approx([side / scale for side in reversed(shape)])
    with av.open(str(tmp_path / "copy.mp4")) as copy:
        shown = copy.streams.video[0]
        assert (shown.height, shown.width) == shape
        assert shown.sample_aspect_ratio in {None, Fraction(1)}


def test_boxes_are_in_pixels_of_the_video_as_it_is_shown(tmp_path: Path) -> None:
    """2400 square pixels wide; the finder gets a picture of 1920."""
    images = [quadrants(1200)] * 2
    video = make_video(tmp_path / "video.mp4", images, pixel_ratio=Fraction(2, 1))
    with VideoReader(video) as reader:
        step = next(iter(analyze_video(reader, somebody, VideoSettings(0.5))))
    assert step.moment is not None
    assert step.moment.faces[0].seen.face.box == BoundingBox(12, 12, 100, 100)


def test_frames_beyond_the_limit_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    video = make_video(tmp_path / "video.mov", [quadrants()] * 2, codec="png", pix_fmt="rgb24")
    monkeypatch.setattr("emotion.streams.container.MAX_PIXELS", 160 * 120)
    with VideoReader(video) as reader:
        assert len(list(reader)) == 2
    monkeypatch.setattr("emotion.streams.container.MAX_PIXELS", 160 * 120 - 1)
    with pytest.raises(VideoError, match=r"at most 19,199 pixels.*video.mov have 160x120"):
        VideoReader(video)


def test_frames_larger_than_the_header_says_are_not_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small, large = (cv2.imencode(".jpg", quadrants(side, side))[1].tobytes() for side in (64, 256))
    video = tmp_path / "video.mjpeg"
    video.write_bytes(small * 3 + large + small)
    monkeypatch.setattr("emotion.streams.container.MAX_PIXELS", 100 * 100)
    with VideoReader(video) as reader:
        assert [frame.image.shape[:2] for frame in reader] == [(64, 64)] * 4
    assert reader.damaged


def test_a_last_frame_that_stays_is_no_damage_and_stays_in_the_copy(tmp_path: Path) -> None:
    first, *others = [PIL.Image.fromarray(np.roll(quadrants(), 9 * n, 1)) for n in range(4)]
    video, copy = tmp_path / "video.gif", tmp_path / "copy.mp4"
    first.save(video, save_all=True, append_images=others, duration=[100, 100, 130, 4000])
    with VideoReader(video) as reader, VideoWriter(copy) as writer:
        for _ in analyze_video(reader, nobody, VideoSettings(0.5), copy=writer):
            pass
    assert not reader.damaged
    with VideoReader(copy) as reader:
        *_, last = reader
        assert reader.duration_s == pytest.approx(4.33, abs=0.01)
    assert (last.time_s, last.duration_s) == pytest.approx((0.33, 4.0), abs=0.01)


def test_a_duration_that_cannot_be_is_cut(tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "copy.mp4") as writer:
        writer.write(quadrants(), 0.0, 1e9)
    assert streams(tmp_path / "copy.mp4") == {"h264": 0.0}


@pytest.mark.parametrize(
    ("height", "matrix", "named"), [(480, 6, False), (720, 1, False), (720, 1, True)]
)
def test_colours_are_those_that_players_show(
    tmp_path: Path, height: int, matrix: int, named: bool
) -> None:
    """Where a video does not name its matrix, HD has that of BT.709 (1) and others that of BT.601 (6)."""
    colour, video, copy = (200, 60, 40), tmp_path / "video.mp4", tmp_path / "copy.mp4"
    with av.open(str(video), "w") as out:
        stream = out.add_stream("libx264", rate=FPS, options={"crf": "1"})
        stream.height, stream.width, stream.pix_fmt = height, 320, "yuv420p"
        if named:
            stream.codec_context.colorspace = matrix
        image = np.full((height, 320, 3), colour, np.uint8)
        out.mux(
            stream.encode(
                av.VideoFrame.from_ndarray(image, format="rgb24").reformat(
                    format="yuv420p",
                    dst_colorspace=Colorspace.ITU709 if matrix == 1 else Colorspace.ITU601,
                )
            )
        )
        out.mux(stream.encode())
    (frame,) = copy_video(video, copy)
    assert frame.image[9, 9] == pytest.approx(colour, abs=4)
    with av.open(str(copy)) as made:
        shown = next(made.decode(video=0))
        names = (shown.colorspace, shown.color_primaries, shown.color_trc, shown.color_range)
        assert names == (6, 1, 1, 1)
        assert shown.to_ndarray(format="rgb24")[9, 9] == pytest.approx(colour, abs=6)


@pytest.mark.parametrize("times_s", [[0.0, 5.0, 10.0, 15.0], [0.0, 0.1, 0.2, 4.2, 4.3, 8.3]])
def test_a_frame_that_stays_is_time_in_view(tmp_path: Path, times_s: list[float]) -> None:
    video = make_video(tmp_path / "slow.mp4", [quadrants()] * len(times_s), times_s=times_s)
    session = Session.of_video()
    with VideoReader(video) as reader:
        for step in analyze_video(reader, somebody, VideoSettings(0.5)):
            assert step.moment is not None
            session.add(step.moment)
    (person,) = session.summary().people
    assert person.in_view_s == pytest.approx(times_s[-1], abs=0.01)


def test_a_changing_frame_rate_keeps_its_times(tmp_path: Path) -> None:
    times = [0.0, 0.04, 0.08, 0.5, 0.9, 0.92, 1.5, 3.0]
    video = make_video(tmp_path / "vfr.mp4", [quadrants()] * len(times), times_s=times)
    copy = tmp_path / "copy.mp4"
    with VideoReader(video) as reader, VideoWriter(copy) as writer:
        for frame in reader:
            writer.write(frame.image, frame.time_s)
    with VideoReader(copy) as reader:
        assert [frame.time_s for frame in reader] == pytest.approx(times, abs=0.002)


def test_huge_frames_are_reduced_and_boxes_are_in_pixels_of_the_video(
    tmp_path: Path, portrait: Path, pipeline: EmotionPipeline
) -> None:
    picture = cv2.resize(read_image(portrait), (4320, 4320))
    image = np.zeros((4320, 7680, 3), np.uint8)
    image[:, 1680:6000] = picture
    video = make_video(tmp_path / "8k.avi", [image] * 2, codec="mjpeg", pix_fmt="yuvj420p")
    with VideoReader(video) as reader:
        steps = list(analyze_video(reader, pipeline, VideoSettings(0.5)))
    with VideoReader(video) as reader:
        assert max(next(iter(reader)).image.shape) == MAX_SIDE
    for step in steps:
        assert step.moment is not None
        (face,) = step.moment.faces
        box = face.seen.face.box
        assert 2500 < box.centre.x < 4500
        assert 400 < box.width < 1600


@pytest.mark.parametrize(
    "kind", ["text", "empty", "missing", "sound", "cut", "playlist", "no frames"]
)
def test_what_is_no_video_is_explained(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "video.mp4"
    whole = make_video(tmp_path / "whole.mp4", [quadrants()] * 25, sound="aac")
    expected = "cannot be read as a video"
    if kind == "text":
        path.write_text("This is no video.", encoding="utf-8")
    elif kind == "empty":
        path.touch()
    elif kind == "missing":
        expected = "not a file"
    elif kind == "cut":
        path.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    elif kind == "playlist":
        path.write_text(f"#EXTM3U\n#EXTINF:1,\n{whole}\n#EXT-X-ENDLIST\n", encoding="utf-8")
    elif kind == "sound":
        with av.open(str(path), "w") as out:
            add_tone(out, out.add_stream("aac", rate=48_000), [(0.0, 1.0)])
        expected = "audio only"
    else:
        with av.open(str(path), "w", format="avi") as out:
            stream = out.add_stream("mjpeg", rate=25)
            stream.height, stream.width, stream.pix_fmt = 120, 160, "yuvj420p"
            out.start_encoding()
        expected = "at least one frame"
    with pytest.raises(VideoError, match=expected):
        copy_video(path, tmp_path / "copy.mp4")
    assert {p.name for p in tmp_path.iterdir()} <= {"video.mp4", "whole.mp4"}


def test_a_video_that_was_cut_short_is_read_up_to_there(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    noise = [rng.integers(0, 255, (120, 160, 3), dtype=np.uint8) for _ in range(100)]
    whole = make_video(tmp_path / "whole.mkv", noise)
    cut = tmp_path / "cut.mkv"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 3])
    with VideoReader(cut) as reader:
        count = sum(1 for _ in reader)
    assert 10 < count < 60
    assert reader.damaged


@pytest.mark.parametrize("name", ["video.mp4", "video.mkv"])
def test_sound_that_is_longer_than_the_pictures_is_no_damage(tmp_path: Path, name: str) -> None:
    video = make_video(tmp_path / name, [quadrants()] * 25, sound="aac", sounding_s=[(0.0, 5.0)])
    with VideoReader(video) as reader:
        assert reader.duration_s == pytest.approx(5.0, abs=0.1)
        assert len(list(reader)) == 25
    assert not reader.damaged


@pytest.mark.parametrize(("name", "sound"), [("video.mkv", "libopus"), ("video.mp4", "aac")])
def test_a_late_start_and_gaps_of_the_sound_stay(tmp_path: Path, name: str, sound: str) -> None:
    """Opus is converted, AAC is copied."""
    parts = [(1.0, 2.0), (3.0, 4.0)]
    video = make_video(tmp_path / name, [quadrants()] * 100, sound=sound, sounding_s=parts)
    copy_video(video, tmp_path / "copy.mp4")
    heard = sounding(tmp_path / "copy.mp4")
    assert len(heard) == len(parts)
    np.testing.assert_allclose(heard, parts, atol=0.1)


def test_sound_of_a_rate_that_aac_does_not_know_is_kept(tmp_path: Path) -> None:
    video = make_video(tmp_path / "video.mkv", [quadrants()] * 25, sound="flac", rate=192_000)
    copy_video(video, tmp_path / "copy.mp4")
    np.testing.assert_allclose(sounding(tmp_path / "copy.mp4"), [(0.0, 1.0)], atol=0.1)


@pytest.mark.parametrize("sound", ["aac", "mp2"])
def test_joined_videos_keep_their_audio(tmp_path: Path, sound: str) -> None:
    """The time stamps of the second one, which is longer, begin anew."""
    video, images = tmp_path / "video.ts", [quadrants()] * 50
    data = make_video(video, images, sound=sound).read_bytes()
    video.write_bytes(data + make_video(video, images * 2, sound=sound).read_bytes())
    assert len(copy_video(video, tmp_path / "copy.mp4")) == 150
    assert streams(tmp_path / "copy.mp4")["h264"] == pytest.approx(6.0, abs=0.1)
    np.testing.assert_allclose(sounding(tmp_path / "copy.mp4"), [(0.0, 6.0)], atol=0.2)


def test_sound_that_cannot_be_gone_on_with_ends_there(tmp_path: Path) -> None:
    """The joined part has another number of samples a second."""
    images = [quadrants()] * 50
    data = make_video(tmp_path / "video.ts", images, sound="mp2").read_bytes()
    data += make_video(tmp_path / "video.ts", images, sound="mp2", rate=32_000).read_bytes()
    (tmp_path / "video.ts").write_bytes(data)
    assert len(copy_video(tmp_path / "video.ts", tmp_path / "copy.mp4")) == 100
    np.testing.assert_allclose(sounding(tmp_path / "copy.mp4"), [(0.0, 2.0)], atol=0.1)


COPY_ON_A_FULL_DISK = """
import resource, sys
from pathlib import Path
from emotion.errors import VideoError
from emotion.streams.reader import VideoReader
from emotion.streams.writer import VideoWriter
limit = int(sys.argv[3])
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
try:
    with VideoReader(Path(sys.argv[1])) as video, VideoWriter(Path(sys.argv[2]), sound=video) as copy:
        for frame in video:
            copy.write(frame.image, frame.time_s)
except VideoError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="a limit for files stands in for a full disk")
@pytest.mark.parametrize("room", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_a_full_disk_is_explained_and_leaves_nothing(tmp_path: Path, room: float) -> None:
    """At the beginning, in the middle, and when the file is closed; most of the bytes are sound."""
    video = make_video(tmp_path / "video.mp4", [quadrants()] * 100, sound="aac")
    copy_video(video, tmp_path / "copy.mp4")
    limit = round((tmp_path / "copy.mp4").stat().st_size * room)
    (tmp_path / "copy.mp4").unlink()
    words = [sys.executable, "-c", COPY_ON_A_FULL_DISK, video, tmp_path / "copy.mp4", limit]
    done = subprocess.run(
        list(map(str, words)), cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    assert "copy.mp4 cannot be written" in done.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["video.mp4"]


def test_an_error_or_a_cancel_leaves_no_copy(tmp_path: Path) -> None:
    video = make_video(tmp_path / "video.mp4", [quadrants()] * 25, sound="aac")
    copy = tmp_path / "copy.mp4"

    def write_some(*, cancel: bool) -> None:
        with VideoReader(video) as reader, VideoWriter(copy, sound=reader) as writer:
            for frame in reader:
                writer.write(frame.image, frame.time_s)
                if frame.index == 10 and cancel:
                    writer.discard()
                    return
                if frame.index == 10:
                    raise KeyboardInterrupt

    write_some(cancel=True)
    with pytest.raises(KeyboardInterrupt):
        write_some(cancel=False)
    assert [path.name for path in tmp_path.iterdir()] == ["video.mp4"]


def test_a_folder_that_is_not_there_is_explained(tmp_path: Path) -> None:
    with pytest.raises(VideoError, match="cannot be written"):
        VideoWriter(tmp_path / "nowhere" / "copy.mp4")


def test_memory_does_not_grow_with_length(tmp_path: Path) -> None:
    """Python's own memory, frames included, after a short and after a ten times longer video."""
    peaks = []
    for seconds in (2, 20):
        video = make_video(
            tmp_path / f"{seconds}.mp4", [quadrants()] * (seconds * FPS), sound="aac"
        )
        tracemalloc.start()
        with (
            VideoReader(video) as reader,
            VideoWriter(tmp_path / "copy.mp4", sound=reader) as writer,
        ):
            for _ in analyze_video(reader, nobody, VideoSettings(0.5), copy=writer):
                pass
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 200_000


@pytest.fixture(scope="module")
def video_with_a_gap(tmp_path_factory: pytest.TempPathFactory, portrait: Path) -> Path:
    """A face for one second, nobody for two, a face for one second; 720p."""
    picture = cv2.resize(read_image(portrait), (720, 720))
    grey = np.full((720, 1280, 3), 110, np.uint8)
    images = []
    for number in range(4 * FPS):
        image = grey.copy()
        if not FPS <= number < 3 * FPS:
            left = 280 + round(60 * math.sin(number / 10))
            image[:, left : left + 720] = picture
        images.append(image)
    return make_video(tmp_path_factory.mktemp("gap") / "gap.mp4", images, sound="aac")


def test_a_video_whose_middle_has_no_faces(
    video_with_a_gap: Path, pipeline: EmotionPipeline
) -> None:
    with VideoReader(video_with_a_gap) as reader:
        moments = [step.moment for step in analyze_video(reader, pipeline, VideoSettings(0.5))]
    numbers = [tuple(face.track_id for face in m.faces) if m else None for m in moments]
    assert len(numbers) == 4 * FPS
    assert set(numbers[:FPS]) == {(1,)}
    assert set(numbers[FPS + 1 : 3 * FPS]) == {()}
    assert set(numbers[3 * FPS + 1 :]) == {(2,)}


def test_the_command_line(video_with_a_gap: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "emotion", "video", str(video_with_a_gap)]
    outputs = ["--out", str(tmp_path / "out.mp4"), "--csv", str(tmp_path / "out.csv")]
    done = subprocess.run(
        [*command, *outputs, "--every", "0.5"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "face 1:" in done.stdout
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == list(MOMENT_COLUMNS)
    assert [float(row["time_s"]) for row in rows] == pytest.approx(
        [n / 2 for n in range(8)], abs=0.05
    )
    assert [bool(row["label"]) for row in rows] == [True] * 2 + [False] * 4 + [True] * 2
    assert rows[0]["label"] in set(Emotion)
    assert set(streams(tmp_path / "out.mp4")) == {"h264", "aac"}
    refused = subprocess.run(
        [*command, "--out", str(video_with_a_gap)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert refused.returncode == 1
    assert "overwritten" in refused.stderr
    assert video_with_a_gap.stat().st_size > 1000


def test_after_a_gap_looks_go_on_at_their_own_times(tmp_path: Path) -> None:
    times = [0.0, 0.4, 1.0, 5.6, 5.64, 5.96, 6.0, 6.04, 7.0]
    video = make_video(tmp_path / "gap.mp4", [quadrants()] * len(times), times_s=times)
    with VideoReader(video) as reader:
        steps = list(analyze_video(reader, nobody, VideoSettings(0.5, every_s=1.0)))
    looked_at = [step.time_s for step in steps if step.moment]
    assert looked_at == pytest.approx([0.0, 1.0, 5.6, 6.0, 7.0], abs=0.002)


def test_the_copy_shows_the_steady_label_of_the_table(tmp_path: Path) -> None:
    """From the second frame on happy is a little more probable, not enough to change the label."""
    looks = iter([Emotion.SAD, Emotion.HAPPY, Emotion.HAPPY])

    def wavering(_: Image, *, min_score: float, **_how: object) -> list[FaceEmotion]:
        most = next(looks)
        shares = dict.fromkeys(Emotion, 0.02) | {Emotion.SAD: 0.44, Emotion.HAPPY: 0.44, most: 0.46}
        face = Face(BoundingBox(60, 60, 180, 180), 0.9)
        return [FaceEmotion(face, Prediction.from_mapping(shares))]

    grey = np.full((240, 240, 3), 110, np.uint8)
    video, copy = make_video(tmp_path / "video.mp4", [grey] * 3), tmp_path / "copy.mp4"
    with VideoReader(video) as reader, VideoWriter(copy) as writer:
        settings = VideoSettings(0.5, half_life_s=0.0)
        steps = list(analyze_video(reader, wavering, settings, copy=writer))
    shown = {face.label for step in steps if step.moment for face in step.moment.faces}
    assert shown == {Emotion.SAD}
    with VideoReader(copy) as reader:
        *_, last = reader
    red, blue = last.image[..., 0].astype(int), last.image[..., 2].astype(int)
    assert (blue - red > 60).any(), "sad is blue"
    assert not (red - blue > 60).any(), "happy is yellow"
