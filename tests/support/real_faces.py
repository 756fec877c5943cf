"""Grey faces from the example pictures, cut out a little differently each time."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from support.places import ROOT

from emotion.faces import load_detector
from emotion.images import read_image
from emotion.preprocess import crop_face
from emotion.types import BoundingBox


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
        across, down = round(shift_x * box.width), round(shift_y * box.height)
        moved = BoundingBox(box.x1 + across, box.y1 + down, box.x2 + across, box.y2 + down)
        face = crop_face(image, moved, size, scale=rng.uniform(0.75, 1.1))
        faces.append(face[:, ::-1] if rng.random() < 0.5 else face)
    return np.stack(faces)
