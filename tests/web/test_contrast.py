"""Colours of the page: what is to be read stands out from what it is written on, light and dark."""

from __future__ import annotations

import pytest
from support.contrast import ENOUGH, contrast

from emotion.web.page import THEME


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
    assert contrast(colour(text + mode), colour(background + mode)) >= ENOUGH
