"""Faces that are found in a reduced picture and shown in the whole one."""

from __future__ import annotations

import numpy as np
import pytest

from emotion.faces.search import moved_face, reduced
from emotion.types import BoundingBox, Face, Point


@pytest.mark.parametrize("size", [(1279, 717), (641, 479), (1080, 1919)])
def test_a_box_at_the_edge_stays_in_the_picture(size: tuple[int, int]) -> None:
    width, height = size
    small, scale = reduced(np.zeros((height, width, 3), np.uint8), 240)
    bottom, right = small.shape[:2]
    face = Face(BoundingBox(right - 40, bottom - 40, right, bottom), 0.9, (Point(5, 7),))
    box = moved_face(face, 1 / scale, within=(width, height)).box
    assert box.x2 <= width
    assert box.y2 <= height
    assert box.x2 > width - 4
    assert box.y2 > height - 4


def test_a_face_in_a_part_is_moved_to_its_place_in_the_whole() -> None:
    face = Face(BoundingBox(10, 20, 30, 50), 0.9, (Point(15, 25),))
    moved = moved_face(face, 2.0, (100, 200), within=(1000, 1000))
    assert moved.box == BoundingBox(120, 240, 160, 300)
    assert moved.landmarks == (Point(130, 250),)
