"""Videos as people really have them: sizes that change, clocks that jump, HDR, rare containers, odd names."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.reformatter import Colorspace
from support.videos import FPS, corner_colours, make_video, quadrants

from emotion.errors import VideoError
from emotion.streams.analyze_video import VideoSettings
from emotion.streams.reader import VideoReader
from emotion.streams.session import Summary
from emotion.streams.video_analysis import VideoAnalysis
from emotion.streams.writer import VideoWriter
from emotion.types import BoundingBox, Emotion, Face, FaceEmotion, Image, Prediction


def red_quarter(image: Image, **how: object) -> list[FaceEmotion]:
    """A happy "face" wherever the picture is bright red: the quarter that shows which way is up."""
    red = (image[..., 0] > 150) & (image[..., 1] < 100) & (image[..., 2] < 100)
    if not red.any():
        return []
    (top, bottom), (left, right) = (np.flatnonzero(red.any(axis))[[0, -1]] for axis in (1, 0))
    shares = dict.fromkeys(Emotion, 0.1) | {Emotion.HAPPY: 0.4}
    box = BoundingBox(int(left), int(top), int(right) + 1, int(bottom) + 1)
    return [FaceEmotion(Face(box, 0.9), Prediction.from_mapping(shares))]


def summary_of(video: Path, *, every_s: float = 0.0, copy: Path | None = None) -> Summary:
    settings = VideoSettings(0.5, every_s=every_s)
    with VideoAnalysis(video, red_quarter, settings, copy=copy) as analysis:
        for _ in analysis:
            pass
    return analysis.summary()


def joined(folder: Path, sizes: list[tuple[int, int]], *, sound: str | None = None) -> Path:
    """Recordings of a second each, one behind the other, as a meeting leaves them."""
    data = b""
    for width, height in sizes:
        part = make_video(folder / "part.ts", [quadrants(width, height)] * FPS, sound=sound)
        data += part.read_bytes()
    (folder / "part.ts").unlink()
    video = folder / "video.ts"
    video.write_bytes(data)
    return video


@pytest.mark.parametrize(
    "sizes",
    [[(320, 240), (160, 120)], [(160, 120), (320, 240)], [(320, 240), (160, 120), (640, 480)]],
)
def test_a_video_that_changes_size_has_one_system_of_coordinates(
    tmp_path: Path, sizes: list[tuple[int, int]]
) -> None:
    video, copy = joined(tmp_path, sizes), tmp_path / "copy.mp4"
    boxes = []
    with VideoAnalysis(video, red_quarter, VideoSettings(0.5), copy=copy) as analysis:
        for step in analysis:
            assert step.moment is not None
            boxes += [face.seen.face.box for face in step.moment.faces]
    assert len(boxes) == len(sizes) * FPS
    width, height = sizes[0]
    for box in boxes:
        corners = (box.x1, box.y1, box.x2, box.y2)
        assert corners == pytest.approx((0, 0, width // 2, height // 2), abs=6)
    (person,) = analysis.summary().people
    assert person.in_view_s == pytest.approx(len(sizes), abs=0.05)
    with VideoReader(copy) as reader:
        shown = [frame.image for frame in reader]
    assert {image.shape for image in shown} == {(height, width, 3)}
    assert corner_colours(shown[-1])[1:] == ["green", "blue", "white"]


def test_a_frame_of_another_shape_gets_bars_and_is_not_stretched(tmp_path: Path) -> None:
    video = joined(tmp_path, [(320, 180), (180, 180)])
    with VideoReader(video) as reader:
        *_, last = reader
    assert last.image.shape == (180, 320, 3)
    assert last.size == (320, 180)
    assert last.image[:, :66].max() < 30
    assert last.image[:, -66:].max() < 30
    assert corner_colours(last.image[:, 72:-72]) == ["red", "green", "blue", "white"]


@pytest.mark.parametrize(
    ("suffix", "jump_s"), [("ts", 300.0), ("mp4", 50_000.0), ("mkv", 80_000.0)]
)
@pytest.mark.parametrize("sound", [None, "aac"])
def test_a_clock_that_jumps_forward_costs_no_time(
    tmp_path: Path, suffix: str, jump_s: float, sound: str | None
) -> None:
    times = [n / FPS for n in range(50)] + [jump_s + n / FPS for n in range(50)]
    video = tmp_path / f"video.{suffix}"
    if sound and suffix != "ts":
        pytest.skip("silence as long as the jump would have to be made")
    if sound:
        first = make_video(video, [quadrants()] * 50, sound=sound).read_bytes()
        late = ["-itsoffset", str(jump_s), "-i", video, "-c", "copy", "-copyts", "-f", "mpegts"]
        second = tmp_path / "second.ts"
        subprocess.run(["ffmpeg", "-v", "error", *late, second], check=True)
        video.write_bytes(first + second.read_bytes())
    else:
        make_video(video, [quadrants()] * 100, times_s=times)
    copy = tmp_path / "copy.mp4"
    summary = summary_of(video, copy=copy)
    assert summary.duration_s == pytest.approx(4.0, abs=0.25)
    assert summary.seconds[Emotion.HAPPY] == pytest.approx(4.0, abs=0.25)
    with av.open(str(copy)) as made:
        assert made.duration is not None
        assert made.duration / av.time_base == pytest.approx(4.0, abs=0.25)
    with VideoReader(video) as reader:
        assert len(list(reader)) == 100
    assert not reader.damaged


def test_a_pause_of_the_pictures_while_the_audio_goes_on_is_no_jump(
    tmp_path: Path, ffmpeg: str
) -> None:
    parts, video = [(0.0, 15.0)], tmp_path / "video.ts"
    times = [0.0, 0.04, 15.0, 15.04]
    whole = make_video(
        tmp_path / "whole.mp4", [quadrants()] * 4, times_s=times, sound="aac", sounding_s=parts
    )
    # As recorders write it: in the order of time.
    subprocess.run([ffmpeg, "-v", "error", "-i", whole, "-c", "copy", video], check=True)
    with VideoReader(video) as reader:
        assert [frame.time_s for frame in reader][2] == pytest.approx(15.0, abs=0.1)


@pytest.mark.parametrize("every_s", [0.0, 0.4, 1.0, 2.0, 5.0, 100.0])
@pytest.mark.parametrize("suffix", ["mp4", "webm", "avi", "gif"])
def test_every_second_is_counted_once(tmp_path: Path, every_s: float, suffix: str) -> None:
    codec, pix_fmt = {
        "mp4": ("libx264", "yuv420p"),
        "webm": ("libvpx", "yuv420p"),
        "avi": ("mjpeg", "yuvj420p"),
        "gif": ("gif", "rgb8"),
    }[suffix]
    path = tmp_path / f"video.{suffix}"
    video = make_video(path, [quadrants()] * (3 * FPS), codec=codec, pix_fmt=pix_fmt)
    summary = summary_of(video, every_s=every_s)
    assert summary.duration_s == pytest.approx(3.0, abs=0.05)
    (person,) = summary.people
    assert person.seconds[Emotion.HAPPY] == pytest.approx(3.0, abs=0.05)
    assert person.last_s == pytest.approx(3.0, abs=0.05)


def test_a_face_is_in_view_until_a_look_that_does_not_show_it(tmp_path: Path) -> None:
    grey = np.full((120, 160, 3), 110, np.uint8)
    video = make_video(tmp_path / "video.mp4", [quadrants()] * 30 + [grey] * 45)
    (person,) = summary_of(video).people
    assert person.in_view_s == pytest.approx(1.2, abs=0.01)
    (person,) = summary_of(video, every_s=1.0).people
    assert person.in_view_s == pytest.approx(2.0, abs=0.01), "looked at after 0, 1 and 2 seconds"


def test_audio_that_is_longer_counts_as_players_count_it(tmp_path: Path) -> None:
    path = tmp_path / "video.mp4"
    video = make_video(path, [quadrants()] * FPS, sound="aac", sounding_s=[(0.0, 5.0)])
    assert summary_of(video).duration_s == pytest.approx(5.0, abs=0.1)


def hlg(display: np.ndarray) -> np.ndarray:
    """Light of a screen (1.0: white paper) as a hybrid log-gamma signal, by the formulas of BT.2100."""
    light = display * 203 / 1000
    luminance = light @ [0.2627, 0.6780, 0.0593]
    scene = light * np.maximum(luminance, 1e-9)[..., None] ** ((1 - 1.2) / 1.2)
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    return np.where(
        scene <= 1 / 12, np.sqrt(3 * scene), a * np.log(np.maximum(12 * scene - b, 1e-9)) + c
    )


def pq(display: np.ndarray) -> np.ndarray:
    """Light of a screen (1.0: white paper) as a PQ signal, by the formulas of BT.2100."""
    power = (np.maximum(display, 0) * 203 / 10_000) ** (2610 / 16384)
    top, bottom = 3424 / 4096 + 2413 / 128 * power, 1 + 2392 / 128 * power
    return (top / bottom) ** (2523 / 32)


def hdr_video(path: Path, colour: tuple[int, int, int], transfer: int) -> Path:
    """Half a second of one sRGB colour, as 10-bit BT.2020."""
    names = {18: "arib-std-b67", 16: "smpte2084"}
    signal = np.array(colour) / 255
    light = np.where(signal <= 0.04045, signal / 12.92, ((signal + 0.055) / 1.055) ** 2.4)
    to_bt2020 = [[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]]
    red, green, blue = {18: hlg, 16: pq}[transfer]((to_bt2020 @ light)[None, None])[0, 0]
    luma = 0.2627 * red + 0.6780 * green + 0.0593 * blue
    values = 64 + 876 * luma, 512 + 896 * (blue - luma) / 1.8814, 512 + 896 * (red - luma) / 1.4746
    planes = [
        np.full(n, round(v)) for n, v in zip((128 * 96, 64 * 48, 64 * 48), values, strict=True)
    ]
    picture = np.concatenate(planes).astype("<u2").reshape(-1, 128)
    tags = f"colorprim=bt2020:transfer={names[transfer]}:colormatrix=bt2020nc:range=limited"
    options = {"preset": "ultrafast", "x265-params": f"log-level=none:bframes=0:crf=4:{tags}"}
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx265", rate=10, options=options)
        stream.width, stream.height, stream.pix_fmt = 128, 96, "yuv420p10le"
        coder = stream.codec_context
        coder.color_primaries, coder.color_trc = 9, transfer
        coder.colorspace, coder.color_range = int(Colorspace.bt2020), 1
        for number in range(5):
            frame = av.VideoFrame.from_ndarray(picture, format="yuv420p10le")
            frame.pts, frame.time_base = number, Fraction(1, 10)
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
    return path


@pytest.mark.parametrize("transfer", [18, 16], ids=["HLG", "PQ"])
@pytest.mark.parametrize(
    "colour", [(200, 60, 40), (60, 160, 70), (50, 70, 200), (222, 184, 160), (110, 110, 110)]
)
def test_hdr_is_read_and_copied_in_the_colours_that_were_meant(
    tmp_path: Path, transfer: int, colour: tuple[int, int, int]
) -> None:
    video, copy = hdr_video(tmp_path / "hdr.mp4", colour, transfer), tmp_path / "copy.mp4"
    with VideoReader(video) as reader, VideoWriter(copy) as writer:
        for frame in reader:
            writer.write(frame.image, frame.time_s)
    assert frame.image[48, 64].astype(int) == pytest.approx(colour, abs=6)
    with av.open(str(copy)) as made:
        shown = next(made.decode(video=0))
        assert (shown.color_primaries, shown.color_trc, shown.color_range) == (1, 1, 1)
        assert shown.to_ndarray(format="rgb24")[48, 64].astype(int) == pytest.approx(colour, abs=8)


@pytest.mark.parametrize("transfer", [18, 16], ids=["HLG", "PQ"])
def test_hdr_white_is_bright_and_nothing_is_brighter_than_white(
    tmp_path: Path, transfer: int
) -> None:
    with VideoReader(hdr_video(tmp_path / "hdr.mp4", (255, 255, 255), transfer)) as reader:
        image = next(iter(reader)).image
    assert image[48, 64].min() > 235
    assert np.ptp(image[48, 64].astype(int)) <= 2


RARE: list[tuple[str, list[str]]] = [
    ("video.y4m", ["-pix_fmt", "yuv420p"]),
    ("video.ivf", ["-c:v", "libvpx"]),
    ("video.mxf", ["-c:v", "mpeg2video", "-q:v", "2"]),
    ("video.dv", ["-s", "720x576", "-pix_fmt", "yuv420p", "-r", "25", "-aspect", "4:3"]),
    ("video.nut", ["-c:v", "mpeg4", "-q:v", "2"]),
    ("video.apng", ["-plays", "1"]),
    ("video.mjpeg", ["-q:v", "2"]),
    ("video.h264", ["-c:v", "libx264"]),
    ("video.m4v", ["-c:v", "mpeg4", "-q:v", "2"]),
    ("video.mpg", ["-c:v", "mpeg2video", "-q:v", "2"]),
    ("video.flv", ["-c:v", "flv", "-q:v", "2"]),
]


@pytest.mark.parametrize(("name", "options"), RARE, ids=[name for name, _ in RARE])
def test_rare_containers_are_read_and_not_called_damaged(
    tmp_path: Path, ffmpeg: str, name: str, options: list[str]
) -> None:
    source = make_video(tmp_path / "source.mp4", [quadrants()] * 50)
    video = tmp_path / name
    subprocess.run([ffmpeg, "-v", "error", "-i", source, *options, video], check=True)
    with VideoReader(video) as reader:
        frames = list(reader)
    assert len(frames) == pytest.approx(50, abs=1)
    assert corner_colours(frames[-1].image) == ["red", "green", "blue", "white"]
    assert frames[-1].time_s == pytest.approx(49 / FPS, abs=0.1)
    assert reader.end_s == pytest.approx(2.0, abs=0.1)
    assert not reader.damaged


def test_theora_that_repeats_its_frames_is_no_damage(tmp_path: Path, ffmpeg: str) -> None:
    """libtheora writes an empty packet for a frame that does not change."""
    source, video = make_video(tmp_path / "source.mp4", [quadrants()] * 50), tmp_path / "video.ogv"
    codes = ["-c:v", "libtheora", "-q:v", "9"]
    subprocess.run([ffmpeg, "-v", "error", "-i", source, *codes, video], check=True)
    with av.open(str(video)) as given:
        assert any(not packet.size and packet.dts is not None for packet in given.demux(video=0))
    with VideoReader(video) as reader:
        *_, last = reader
    assert corner_colours(last.image) == ["red", "green", "blue", "white"]
    assert reader.end_s == pytest.approx(2.0, abs=0.1)
    assert not reader.damaged


def test_empty_packets_repeat_the_frame_before_and_are_no_damage(
    tmp_path: Path, ffmpeg: str
) -> None:
    """As screen recorders write them for frames that they skip."""
    source = make_video(tmp_path / "source.mp4", [np.roll(quadrants(), n, 1) for n in range(50)])
    whole, video = tmp_path / "whole.mkv", tmp_path / "video.mkv"
    codes = ["-c:v", "mjpeg", "-q:v", "5"]
    subprocess.run([ffmpeg, "-v", "error", "-i", source, *codes, whole], check=True)
    with av.open(str(whole)) as given, av.open(str(video), "w") as out:
        stream = out.add_stream_from_template(given.streams.video[0])
        for number, packet in enumerate(given.demux(video=0)):
            if packet.dts is None:
                continue
            if number % 5 == 4:
                empty = av.Packet(0)
                empty.pts, empty.dts, empty.duration = packet.pts, packet.dts, packet.duration
                empty.time_base, packet = packet.time_base, empty
            packet.stream = stream
            out.mux(packet)
    with VideoReader(video) as reader:
        frames = list(reader)
    assert 38 <= len(frames) <= 50
    assert frames[-1].time_s > 1.8
    assert not reader.damaged


@pytest.mark.parametrize(
    "name", ["10:30.mp4", "concat:a.mp4", "file:x.mp4", "100%.mp4", "-v.mp4", "é ü.mp4"]
)
def test_a_name_is_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Also a relative one with what looks like a protocol, a pattern or an option; in and out."""
    monkeypatch.chdir(tmp_path)
    make_video(tmp_path / "plain.mp4", [quadrants()] * 5, sound="aac").rename(tmp_path / name)
    copy = Path(f"copy of {name}") if name != "10:30.mp4" else Path("10:31.mp4")
    with VideoReader(Path(name)) as reader, VideoWriter(copy, sound=reader) as writer:
        for frame in reader:
            writer.write(frame.image, frame.time_s)
    assert {path.name for path in tmp_path.iterdir()} == {name, copy.name}
    with av.open(f"file:{tmp_path / copy}") as made:
        assert {s.type for s in made.streams} == {"video", "audio"}


def leave_by_break(video: Path, copy: Path, table: Path) -> None:
    settings = VideoSettings(0.5)
    with VideoAnalysis(video, red_quarter, settings, copy=copy, table=table) as analysis:
        for step in analysis:
            if step.time_s > 0.5:
                break


def leave_by_error(video: Path, copy: Path, table: Path) -> None:
    def broken(image: Image, **how: object) -> list[FaceEmotion]:
        raise VideoError("broken")

    settings = VideoSettings(0.5)
    with (
        pytest.raises(VideoError, match="broken"),
        VideoAnalysis(video, broken, settings, copy=copy, table=table) as analysis,
    ):
        list(analysis)


@pytest.mark.parametrize("leave", [leave_by_break, leave_by_error])
def test_who_leaves_a_video_early_leaves_nothing(
    tmp_path: Path, leave: Callable[[Path, Path, Path], None]
) -> None:
    video = make_video(tmp_path / "video.mp4", [quadrants()] * 50, sound="aac")
    leave(video, tmp_path / "copy.mp4", tmp_path / "table.csv")
    assert [path.name for path in tmp_path.iterdir()] == ["video.mp4"]


def test_copy_and_table_are_there_together_at_the_end(tmp_path: Path) -> None:
    video = make_video(tmp_path / "video.mp4", [quadrants()] * 50, sound="aac")
    copy, table = tmp_path / "copy.mp4", tmp_path / "table.csv"
    with VideoAnalysis(video, red_quarter, VideoSettings(0.5), copy=copy, table=table) as analysis:
        for _ in analysis:
            assert not copy.exists()
            assert not table.exists()
    assert {path.name for path in tmp_path.iterdir()} == {"video.mp4", "copy.mp4", "table.csv"}
    assert len(table.read_text(encoding="utf-8").splitlines()) == 51
    assert analysis.as_dict()["duration_s"] == pytest.approx(2.0, abs=0.1)
    assert analysis.timeline.people() == [1]
