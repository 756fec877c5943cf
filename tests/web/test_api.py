"""What other programs get: the named endpoints, called by gradio_client and over plain HTTP."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
from gradio_client import Client, handle_file
from support.running_app import Server, running_app

import emotion
from emotion.images import read_image
from emotion.types import Emotion

MINUTE = 60


@pytest.fixture(scope="module")
def client(server: Server) -> Client:
    return Client(server.url, verbose=False)


@pytest.fixture(scope="module")
def blurred(portrait: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A picture with a face that Haar is sure of, and blurred once more, where it is not: 0.3 to 0.5."""
    picture = read_image(portrait)
    pair = np.hstack([picture, cv2.GaussianBlur(picture, (0, 0), 3.9)])
    path = tmp_path_factory.mktemp("blurred") / "blurred.png"
    cv2.imwrite(str(path), cv2.cvtColor(pair, cv2.COLOR_RGB2BGR))
    return path


def test_analyze_answers_like_the_command_line(client: Client, portrait: Path) -> None:
    answer = client.predict(handle_file(str(portrait)), "haar", 0.5, api_name="/analyze")
    command = [sys.executable, "-m", "emotion", "analyze", str(portrait), "--json"]
    command += ["--detector", "haar", "--min-score", "0.5"]
    said = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    assert answer | {"source": said["source"]} == said


def test_analyze_takes_the_detectors_own_score(client: Client, blurred: Path) -> None:
    """As the command line does without ``--min-score``; also where the number is not sent at all."""
    command = [sys.executable, "-m", "emotion", "analyze", str(blurred), "--json"]
    command += ["--detector", "haar"]
    said = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    for asked in (["haar", None], ["haar"]):
        answer = client.predict(handle_file(str(blurred)), *asked, api_name="/analyze")
        assert answer | {"source": said["source"]} == said
    surer = client.predict(handle_file(str(blurred)), "haar", 0.5, api_name="/analyze")
    assert (len(said["faces"]), len(surer["faces"])) == (2, 1)


@pytest.mark.parametrize("min_score", [2, -0.1])
def test_analyze_explains_a_score_that_it_cannot_use(
    client: Client, portrait: Path, min_score: float
) -> None:
    answer = client.predict(handle_file(str(portrait)), "haar", min_score, api_name="/analyze")
    assert answer["faces"] == []
    assert "min_score must be from 0 to 1" in answer["error"]
    assert str(min_score) in answer["error"]


def test_analyze_takes_a_prior(client: Client, portrait: Path) -> None:
    def confidence(prior: str) -> float:
        answer = client.predict(handle_file(str(portrait)), prior=prior, api_name="/analyze")
        assert answer["error"] is None
        return float(answer["faces"][0]["probabilities"]["happy"])

    rarely = ",".join(f"{emotion}={0.001 if emotion == 'happy' else 1}" for emotion in Emotion)
    assert confidence(rarely) < confidence("balanced") < confidence("natural")


def test_analyze_explains_a_prior_that_it_cannot_use(client: Client, portrait: Path) -> None:
    picture = handle_file(str(portrait))
    answer = client.predict(picture, prior="posed", api_name="/analyze")
    assert "The prior must be natural or balanced" in answer["error"]


def test_analyze_video_answers_like_the_command_line(
    client: Client, videos: dict[str, Path]
) -> None:
    video = videos["short"]
    asked = [handle_file(str(video)), "mediapipe", 0.5, 0.5]
    answer = client.predict(*asked, api_name="/analyze_video")
    command = [sys.executable, "-m", "emotion", "video", str(video), "--json"]
    command += ["--min-score", "0.5", "--every", "0.5"]
    said = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    assert answer | {"source": said["source"]} == said
    assert [person["track"] for person in said["people"]] == [1]
    assert said["frames"] == said["frames_with_faces"] == 4


def test_analyze_video_takes_the_detectors_own_score(
    client: Client, blurred: Path, tmp_path: Path
) -> None:
    path = tmp_path / "blurred.mp4"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=4, options={"crf": "1"})
        stream.width, stream.height, stream.pix_fmt = 1024, 512, "yuv420p"
        frame = av.VideoFrame.from_ndarray(read_image(blurred))
        for _ in range(8):
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
    video = handle_file(str(path))
    people = {}
    for name, asked in {
        "none": {},
        "null": {"min_score": None},
        "sure": {"min_score": 0.95},
    }.items():
        answer = client.predict(video, "haar", **asked, api_name="/analyze_video")
        people[name] = len(answer["people"])
    assert people == {"none": 2, "null": 2, "sure": 1}


def test_the_servers_detector_is_the_one_of_those_who_name_none(tmp_path: Path) -> None:
    with (
        running_app(tmp_path / "log", "--detector", "haar") as app,
        urllib.request.urlopen(f"{app.url}/gradio_api/info", timeout=MINUTE) as response,
    ):
        endpoints = json.load(response)["named_endpoints"]
    for name in ("/analyze", "/analyze_video"):
        fields = {field["parameter_name"]: field for field in endpoints[name]["parameters"]}
        assert fields["detector"]["parameter_default"] == "haar"


def test_analyze_video_refuses_a_negative_time(client: Client, videos: dict[str, Path]) -> None:
    asked = [handle_file(str(videos["short"])), "mediapipe", 0.5, -1.0]
    assert "every_s" in client.predict(*asked, api_name="/analyze_video")["error"]


@pytest.mark.parametrize(("min_score", "every_s"), [(1.5, 0.0), (0.5, None)])
def test_analyze_video_explains_numbers_that_it_cannot_use(
    client: Client, videos: dict[str, Path], min_score: float, every_s: float | None
) -> None:
    asked = [handle_file(str(videos["short"])), "mediapipe", min_score, every_s]
    error = client.predict(*asked, api_name="/analyze_video")["error"]
    assert ("every_s" if every_s is None else "min_score") in error
    assert ("1.5" if min_score == 1.5 else "null") in error


def test_analyze_video_refuses_what_is_no_video(client: Client) -> None:
    asked = [handle_file(str(Path(__file__))), "mediapipe", 0.5, 0.0]
    answer = client.predict(*asked, api_name="/analyze_video")
    assert answer["source"] == Path(__file__).name
    assert "video" in answer["error"].lower()


def test_health(client: Client) -> None:
    answer = client.predict(api_name="/health")
    assert answer["ok"], answer
    assert answer["version"] == emotion.__version__
    assert answer["weights"]


def test_health_over_plain_http(server: Server) -> None:
    """Two requests: a POST that starts the call, a GET that waits for its answer."""
    url = f"{server.url}/gradio_api/call/health"
    post = urllib.request.Request(
        url, b'{"data": []}', {"Content-Type": "application/json"}, method="POST"
    )
    with urllib.request.urlopen(post, timeout=MINUTE) as response:
        event = json.load(response)["event_id"]
    with urllib.request.urlopen(f"{url}/{event}", timeout=MINUTE) as response:
        text = response.read().decode()
    assert "event: complete" in text
    answer: list[Any] = json.loads(text.split("data: ")[-1])
    assert answer[0]["ok"]


def test_only_documented_endpoints_are_public(client: Client) -> None:
    api = client.view_api(return_format="dict", print_info=False)
    assert set(api["named_endpoints"]) == {"/analyze", "/analyze_video", "/health"}
    assert api["unnamed_endpoints"] == {}
