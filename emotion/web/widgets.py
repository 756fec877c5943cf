"""Fields that take what Gradio's own ones fail on.

Their ``preprocess`` belongs to the field itself: a subclass would make Gradio write an interface file
next to this module at each import. An event may set their value, but must not update their properties,
not even by ``gr.skip()``: Gradio then makes a stock field of them.
"""

from __future__ import annotations

from typing import Any

import gradio as gr

from emotion.prior import DEFAULT_PRIOR, PRIORS
from emotion.web.languages import TEXT

__all__ = ["picture_input", "prior_input", "slider"]


def picture_input(**settings: Any) -> gr.Image:
    """A ``gr.Image`` that hands over the path of the uploaded file, untouched.

    The stock component decodes pictures itself: it fails on damaged ones without saying why, opens
    decompression bombs and clips 16-bit grey. ``read_image`` knows about all of that.
    """
    picture = gr.Image(type="filepath", **settings)
    picture.preprocess = lambda payload: payload.path if payload else None
    return picture


def prior_input(**settings: Any) -> gr.Radio:
    """The choice of a prior; hands over its name."""
    return gr.Radio(
        [(TEXT(f"prior_{name}"), name) for name in PRIORS],
        value=DEFAULT_PRIOR,
        label=TEXT("prior"),
        info=TEXT("prior_info"),
        **settings,
    )


def slider(minimum: float, maximum: float, value: float, **settings: Any) -> gr.Slider:
    """A ``gr.Slider`` that always hands over a number within its bounds.

    Its number field sends every keystroke: nothing while it is empty, 0 on the way to 0.7. The stock
    component fails on the first and refuses the second, and with it the picture or the camera's frame.

    Args:
        minimum: Smaller numbers are taken for it.
        maximum: Larger numbers are taken for it.
        value: At first, and while the field is empty.
        settings: Of ``gr.Slider``.
    """
    # No reset button: it sends no `input`, and it knows the first value only, not the detector's.
    field = gr.Slider(minimum, maximum, value, buttons=[], **settings)
    field.preprocess = lambda payload: (
        value if payload is None else min(max(payload, minimum), maximum)
    )
    return field
