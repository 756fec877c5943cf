"""A video is read for as long as somebody waits for the answer."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.places import ROOT
from support.running_app import running_app
from support.videos import make_video, quadrants

SERVER = """
import sys, time
import gradio as gr
from emotion.web.api import add_analyze_video
from emotion.web.pipelines import Pipelines
from emotion.web.video_jobs import VideoLine

class SlowPipeline:
    # Five frames a second, each of which is told.
    def __init__(self, pipeline):
        self.detector = pipeline.detector
    def with_prior(self, prior):
        return self
    def __call__(self, image, **how):
        print("a frame", flush=True)
        time.sleep(0.2)
        return []

class SlowPipelines(Pipelines):
    def get(self, name):
        return SlowPipeline(super().get(name))

with gr.Blocks() as demo:
    add_analyze_video(SlowPipelines(None, "litert"), VideoLine(), "haar")
demo.launch(server_port=int(sys.argv[2]), quiet=True)
"""

CLIENT = """
import sys
from gradio_client import Client, handle_file
client = Client(sys.argv[1], verbose=False)
print(client.predict(handle_file(sys.argv[2]), "haar", 0.5, 0.0, api_name="/analyze_video"))
"""


@pytest.mark.parametrize("leaves", [True, False])
def test_a_video_is_read_no_further_when_its_client_has_left(tmp_path: Path, leaves: bool) -> None:
    """Each frame takes a fifth of a second; who waits gets an answer."""
    length = 100 if leaves else 15
    video, log = make_video(tmp_path / "video.mp4", [quadrants()] * length), tmp_path / "log"
    (tmp_path / "app.py").write_text(SERVER, encoding="utf-8")
    environment = {
        "PYTHONPATH": str(ROOT),
        "TMPDIR": str(tmp_path),
        "GRADIO_ANALYTICS_ENABLED": "False",
    }

    def frames() -> int:
        return log.read_text(encoding="utf-8").count("a frame")

    command = [sys.executable, "-c", CLIENT, "", str(video)]
    with running_app(log, environment=environment, folder=tmp_path) as app:
        command[3] = app.url
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as client:
            until = time.monotonic() + 240
            while frames() < 5 and client.poll() is None and time.monotonic() < until:
                time.sleep(0.1)
            if not leaves:
                said, _ = client.communicate(timeout=300)
                assert f"'frames': {length}" in said
                return
            client.kill()
        assert frames() >= 5
        seen = -1
        while seen < frames():  # until no frame has come for a second and a half
            seen = frames()
            time.sleep(1.5)
    assert seen < 80
