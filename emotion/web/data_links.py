"""Data links: pictures and files inside a page's HTML, so that they never become files on the server."""

from __future__ import annotations

import base64
import io

from PIL import Image as Pillow

from emotion.types import Image

__all__ = ["data_url", "jpeg_url"]


def data_url(kind: str, data: bytes) -> str:
    """``data`` as a link, with its media type ``kind``."""
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def jpeg_url(image: Image) -> str:
    """A picture as a link to a JPEG; ``image`` is (H, W, 3), uint8, RGB."""
    file = io.BytesIO()
    Pillow.fromarray(image).save(file, "JPEG", quality=80)
    return data_url("image/jpeg", file.getvalue())
