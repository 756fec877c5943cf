"""Grey faces from the example pictures, cut out a little differently each time."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from emotion.faces import load_detector
from emotion.images import read_image
from emotion.preprocess import Framing, crop_face
from tests.conftest import ROOT


def real_faces(count: int, size: int) -> npt.NDArray[np.uint8]:
    """(count, size, size) uint8, the same ones at every call."""
    rng = np.random.default_rng(0)
    found = []
    detector = load_detector("haar")
    for name in ("astronaut.jpg", "prints.jpg"):
        image = read_image(ROOT / "examples" / name)
        found += [(image, face.box) for face in detector.detect(image)]
    detector.close()
    faces = []
    for index in range(count):
        image, box = found[index % len(found)]
        shift_x, shift_y = rng.uniform(-0.08, 0.08, 2)
        face = crop_face(image, box, Framing(rng.uniform(0.75, 1.1), shift_x, shift_y), size)
        faces.append(face[:, ::-1] if rng.random() < 0.5 else face)
    return np.stack(faces)
