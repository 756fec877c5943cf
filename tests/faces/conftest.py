"""One real face, for every detector."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from emotion.types import Image


@pytest.fixture(scope="session")
def astronaut(portrait: Path) -> Image:
    """The portrait, 512×512."""
    picture = cv2.imread(str(portrait), cv2.IMREAD_COLOR_RGB)
    assert picture is not None
    return np.asarray(cv2.resize(picture, (512, 512), interpolation=cv2.INTER_AREA), np.uint8)
