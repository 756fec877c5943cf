"""Colours of the page: what is to be read stands out from what it is written on, light and dark."""

from __future__ import annotations

import pytest

from emotion.web.page import CSS, THEME
from tests.test_drawing import luminance

ENOUGH = 4.5
"""WCAG 2.2, level AA, for text of any size."""


def colour(name: str) -> str:
    """A colour of the theme as ``#rrggbb``, its references followed; dark ones fall back to light ones."""
    value = getattr(THEME, name, None)
    if value is None:
        return colour(name.removesuffix("_dark"))
    if value.startswith("*"):
        dark = "_dark" if name.endswith("_dark") and hasattr(THEME, f"{value[1:]}_dark") else ""
        return colour(value[1:] + dark)
    return {"white": "#ffffff"}.get(value, value)


@pytest.mark.parametrize("mode", ["", "_dark"])
@pytest.mark.parametrize(
    ("text", "background"),
    [
        ("body_text_color_subdued", "body_background_fill"),
        ("body_text_color_subdued", "background_fill_secondary"),
        ("block_info_text_color", "block_background_fill"),
        ("button_primary_text_color", "button_primary_background_fill"),
        ("button_primary_text_color", "button_primary_background_fill_hover"),
    ],
)
def test_text_stands_out(text: str, background: str, mode: str) -> None:
    dark, light = sorted(luminance(colour(name + mode)) for name in (text, background))
    assert (light + 0.05) / (dark + 0.05) >= ENOUGH


def test_the_page_has_one_colour_for_quiet_text() -> None:
    assert "--quiet-text" not in CSS
