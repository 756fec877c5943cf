"""What other programs get: the named endpoints, called by gradio_client and over plain HTTP."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from gradio_client import Client, handle_file

import emotion
from tests.web.conftest import Server

MINUTE = 60


@pytest.fixture(scope="module")
def client(server: Server) -> Client:
    return Client(server.url, verbose=False)


def test_analyze_answers_like_the_command_line(client: Client, portrait: Path) -> None:
    answer = client.predict(handle_file(str(portrait)), "haar", 0.5, api_name="/analyze")
    command = [sys.executable, "-m", "emotion", "analyze", str(portrait), "--json"]
    command += ["--detector", "haar", "--min-score", "0.5"]
    said = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    assert answer | {"source": said["source"]} == said


def test_analyze_video_answers_like_the_command_line(
    client: Client, films: dict[str, Path]
) -> None:
    film = films["short"]
    asked = [handle_file(str(film)), "mediapipe", 0.5, 0.5]
    answer = client.predict(*asked, api_name="/analyze_video")
    command = [sys.executable, "-m", "emotion", "video", str(film), "--json"]
    command += ["--min-score", "0.5", "--every", "0.5"]
    said = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    assert answer | {"source": said["source"]} == said
    assert [person["track"] for person in said["people"]] == [1]
    assert said["frames"] == said["frames_with_faces"] == 4


def test_analyze_video_refuses_a_negative_time(client: Client, films: dict[str, Path]) -> None:
    asked = [handle_file(str(films["short"])), "mediapipe", 0.5, -1.0]
    assert "every_s" in client.predict(*asked, api_name="/analyze_video")["error"]


@pytest.mark.parametrize(("min_score", "every_s"), [(None, 0.0), (1.5, 0.0), (0.5, None)])
def test_analyze_video_explains_numbers_that_are_none(
    client: Client, films: dict[str, Path], min_score: float | None, every_s: float | None
) -> None:
    asked = [handle_file(str(films["short"])), "mediapipe", min_score, every_s]
    error = client.predict(*asked, api_name="/analyze_video")["error"]
    assert ("every_s" if every_s is None else "min_score") in error
    assert ("1.5" if min_score == 1.5 else "null") in error


def test_analyze_video_refuses_what_is_no_film(client: Client) -> None:
    asked = [handle_file(str(Path(__file__))), "mediapipe", 0.5, 0.0]
    answer = client.predict(*asked, api_name="/analyze_video")
    assert answer["source"] == Path(__file__).name
    assert "film" in answer["error"].lower()


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
