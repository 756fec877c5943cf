"""The handler for Inference Endpoints answers like the command line."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image as PillowImage

from handler import EndpointHandler


@pytest.fixture(scope="module")
def handler() -> EndpointHandler:
    return EndpointHandler()


def test_every_form_of_a_picture_gets_the_answer_of_the_command_line(
    handler: EndpointHandler, portrait: Path
) -> None:
    data = portrait.read_bytes()
    command = [sys.executable, "-m", "emotion", "analyze", str(portrait), "--json"]
    said = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    for inputs in (data, base64.b64encode(data).decode(), PillowImage.open(portrait)):
        assert handler({"inputs": inputs}) | {"source": said["source"]} == said


@pytest.mark.parametrize("inputs", [None, 3, "not base64!", b"not a picture", b""])
def test_what_is_not_a_picture_gets_a_message(handler: EndpointHandler, inputs: object) -> None:
    answer = handler({"inputs": inputs})
    assert answer["faces"] == []
    assert answer["error"]
