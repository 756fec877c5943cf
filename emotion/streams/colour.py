"""Decoded frames as RGB that a screen shows: HDR and wide colours become those of an ordinary video.

A face of an HDR video whose numbers are taken for sRGB is grey and flat. So its signal is turned into light,
moved from the colours of BT.2020 to those of sRGB, and what is brighter than white paper is compressed.

Sources: ITU-R BT.2100-2 (the curves), BT.2408-7 (white paper at 203 cd/m²), BT.2087-0 (the matrix),
E. Reinhard et al., "Photographic Tone Reproduction for Digital Images", SIGGRAPH 2002, equation 4 (for what
is brighter than the knee).
"""

from __future__ import annotations

from functools import cache
from typing import Any

import av
import cv2
import numpy as np
import numpy.typing as npt
from av.video.reformatter import ColorPrimaries, Colorspace, ColorTrc

from emotion.types import Image

__all__ = ["to_rgb"]

SD_LINES = 576
"""Videos of more lines are HD. If they do not name their colours, those of BT.709 are meant."""

COLOURS_NOT_NAMED = 2
"""FFmpeg's number for a frame that does not say how its RGB became YUV."""

WHITE_PAPER = 203.0
"""Light of white paper in an HDR video, in cd/m²."""

PEAK = 1000.0
"""Light of the brightest spot of an HDR video, in cd/m²; what is brighter still becomes white, too."""

KNEE = 0.8
"""Light from which bright spots are compressed, in shares of white paper; below it nothing changes."""

LEVELS = 2**16

TO_SRGB = {
    int(ColorPrimaries.BT2020): (
        (1.6605, -0.5876, -0.0728),
        (-0.1246, 1.1329, -0.0083),
        (-0.0182, -0.1006, 1.1187),
    ),
    int(ColorPrimaries.SMPTE432): (  # Display P3
        (1.2249, -0.2249, 0.0),
        (-0.0420, 1.0420, 0.0),
        (-0.0197, -0.0786, 1.0983),
    ),
}
"""From light in these primaries to light in those of sRGB."""

Light = npt.NDArray[np.float32]


def to_rgb(frame: av.VideoFrame, width: int, height: int) -> Image:
    """A decoded frame as RGB in another size.

    Args:
        frame: In any pixel format and colours, as its decoder gives it.
        width: Of the result, in pixels.
        height: Of the result, in pixels.

    Returns:
        Shape (height, width, 3), uint8, RGB in the colours of sRGB.
    """
    curve, primaries = int(frame.color_trc), int(frame.color_primaries)
    hdr = curve in {ColorTrc.ARIB_STD_B67, ColorTrc.SMPTE2084}
    matrix = None
    if frame.colorspace == COLOURS_NOT_NAMED and (hdr or frame.height > SD_LINES):
        matrix = Colorspace.bt2020 if hdr else Colorspace.ITU709

    def pixels(kind: str) -> npt.NDArray[Any]:
        return frame.to_ndarray(width=width, height=height, format=kind, src_colorspace=matrix)

    if not hdr and primaries not in TO_SRGB:
        return pixels("rgb24")
    light: Light = np.take(_light_of_signal(curve), pixels("rgb48le"))
    if curve == ColorTrc.ARIB_STD_B67:
        # The system gamma: how a screen of 1,000 cd/m² shows light of the scene (BT.2100, note 5f).
        scene = light @ np.array([0.2627, 0.6780, 0.0593], np.float32)
        light *= (scene**0.2 * np.float32(PEAK / WHITE_PAPER))[..., None]
    to_srgb = TO_SRGB.get(primaries, TO_SRGB[int(ColorPrimaries.BT2020)])
    light = np.asarray(cv2.transform(light, np.array(to_srgb, np.float32)), np.float32)
    return _as_srgb(_compressed(light) if hdr else light)


def _compressed(light: Light) -> Light:
    """Keep the colour of spots brighter than the knee, but make them no brighter than 1."""
    brightest = light.max(axis=2)
    bright = brightest > KNEE
    now = brightest[bright]
    over, most = (now - KNEE) / (1 - KNEE), (PEAK / WHITE_PAPER - KNEE) / (1 - KNEE)
    then = KNEE + (1 - KNEE) * over * (1 + over / most**2) / (1 + over)
    light[bright] *= (np.minimum(then, 1) / now)[:, None]
    return light


def _as_srgb(light: Light) -> Image:
    """Light (0–1) as sRGB numbers."""
    steps = np.clip(light * (LEVELS - 1), 0, LEVELS - 1).astype(np.uint16)
    return np.take(_srgb_of_light(), steps)


@cache
def _light_of_signal(curve: int) -> Light:
    """Light for each of 65,536 levels of the signal.

    1.0 is white paper, but for HLG the whole range, since its light is that of the scene.
    """
    signal = np.linspace(0, 1, LEVELS)
    if curve == ColorTrc.ARIB_STD_B67:
        a, b, c = 0.17883277, 0.28466892, 0.55991073
        light = np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - c) / a) + b) / 12)
    elif curve == ColorTrc.SMPTE2084:
        m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128
        power = signal ** (1 / m2)
        light = (np.maximum(power - c1, 0) / (c2 - c3 * power)) ** (1 / m1) * (1e4 / WHITE_PAPER)
    else:
        light = np.where(signal <= 0.04045, signal / 12.92, ((signal + 0.055) / 1.055) ** 2.4)
    return light.astype(np.float32)


@cache
def _srgb_of_light() -> npt.NDArray[np.uint8]:
    """The sRGB number (0–255) for each of 65,536 levels of light."""
    light = np.linspace(0, 1, LEVELS)
    signal = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.asarray(np.round(signal * 255), np.uint8)
