"""For Hugging Face Inference Endpoints: the same pipeline and the same JSON as the command line.

The endpoint's repository must hold this file, the folder ``emotion``, requirements.txt, and the files of the
weights.
"""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Any

from PIL import Image as PillowImage

from emotion.errors import EmotionError, ImageError
from emotion.images import Picture, read_picture, to_rgb
from emotion.pipeline import EmotionPipeline, check_min_score
from emotion.results import PictureRecord


class EndpointHandler:
    """Loads the pipeline once; called for each request.

    Args:
        path: The endpoint's model folder. Its weights are used if it has a ``config.json``, otherwise the
            shipped ones.
    """

    def __init__(self, path: str = "") -> None:
        own = path and (Path(path) / "config.json").is_file()
        self.pipeline = EmotionPipeline.from_pretrained(weights=path if own else None)

    def __call__(self, data: dict[str, Any]) -> dict[str, Any]:
        """Analyse one picture.

        Args:
            data: ``inputs``: the picture, as sent (bytes), in base64 (text), or decoded by the endpoint
                (a Pillow image). ``parameters``, optional: ``min_score``, 0 to 1.

        Returns:
            The JSON object of ``python -m emotion analyze --json``.
        """
        try:
            picture = _read(data.get("inputs"))
            parameters = _object(data.get("parameters"))
            faces = self.pipeline(
                picture.image, min_score=check_min_score(parameters.get("min_score"))
            )
            return PictureRecord.of("inputs", picture, faces).as_dict()
        except EmotionError as error:
            return PictureRecord.failed("inputs", str(error)).as_dict()


def _object(parameters: object) -> dict[str, Any]:
    """What was sent as parameters, once it is known to be an object."""
    if not isinstance(parameters, dict | None):
        raise EmotionError(
            '`parameters` must be an object such as {"min_score": 0.5}. '
            f"Received: {type(parameters).__name__}."
        )
    return parameters or {}


def _read(inputs: object) -> Picture:
    if isinstance(inputs, PillowImage.Image):
        image = to_rgb(inputs)
        return Picture(image, image.shape[1], image.shape[0])
    if isinstance(inputs, str):
        try:
            inputs = base64.b64decode(inputs.rpartition(",")[2], validate=True)
        except ValueError as error:  # also letters beyond ASCII
            raise ImageError(f"A picture sent as text must be base64: {error}.") from error
    if isinstance(inputs, bytes):
        return read_picture(io.BytesIO(inputs))
    raise ImageError(
        "`inputs` must be a picture: bytes, base64 text or a Pillow image. "
        f"Received: {type(inputs).__name__}."
    )
