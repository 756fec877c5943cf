"""The handler for Inference Endpoints answers like the command line."""

from __future__ import annotations

import base64
import io
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


def test_a_decoded_picture_is_turned_and_laid_on_white_as_its_file_is(
    handler: EndpointHandler, portrait: Path
) -> None:
    with PillowImage.open(portrait) as upright:
        picture = upright.convert("RGBA")
    picture.putalpha(PillowImage.linear_gradient("L").resize(picture.size))
    exif = PillowImage.Exif()
    exif[274] = 8
    file = io.BytesIO()
    picture.transpose(PillowImage.Transpose.ROTATE_270).save(file, "PNG", exif=exif)
    said = handler({"inputs": file.getvalue()})
    assert len(said["faces"]) == 1
    assert handler({"inputs": PillowImage.open(file)}) == said


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"min_score": "0.5"}, "from 0 to 1. Received: '0.5'"),
        ({"min_score": 1.5}, "from 0 to 1. Received: 1.5"),
        ({"min_score": float("nan")}, "from 0 to 1. Received: nan"),
        (["min_score", 0.5], "must be an object such as"),
    ],
)
def test_parameters_of_another_kind_get_a_message(
    handler: EndpointHandler, portrait: Path, parameters: object, words: str
) -> None:
    answer = handler({"inputs": portrait.read_bytes(), "parameters": parameters})
    assert answer["faces"] == []
    assert words in answer["error"]


def test_a_lowest_score_leaves_faces_out(handler: EndpointHandler, portrait: Path) -> None:
    inputs = portrait.read_bytes()
    for parameters, count in (({"min_score": 0.5}, 1), ({"min_score": None}, 1), (None, 1)):
        assert len(handler({"inputs": inputs, "parameters": parameters})["faces"]) == count
    answer = handler({"inputs": inputs, "parameters": {"min_score": 1}})
    assert (answer["faces"], answer["error"]) == ([], None)


@pytest.mark.parametrize("inputs", [None, 3, "not base64!", "Übung", b"not a picture", b""])
def test_what_is_not_a_picture_gets_a_message(handler: EndpointHandler, inputs: object) -> None:
    answer = handler({"inputs": inputs})
    assert answer["faces"] == []
    assert answer["error"]
