"""What other programs may ask the server, beside the tabs' own endpoints."""

from __future__ import annotations

from typing import Any

import gradio as gr

from emotion import __version__
from emotion.errors import EmotionError
from emotion.faces import DETECTORS
from emotion.web.pipelines import Pipelines

__all__ = ["add_health"]


def add_health(pipelines: Pipelines) -> None:
    """Add the endpoint ``/health`` to the open ``gr.Blocks``."""

    def health() -> dict[str, Any]:
        """Whether the server can read expressions, and with what.

        Returns:
            ``ok``: whether every detector works; ``version``; ``weights``: their name, or null;
            ``detectors``: for each, null if it works, else why it does not.
        """
        faults: dict[str, str | None] = dict.fromkeys(DETECTORS)
        weights: str | None = None
        for name in DETECTORS:
            try:
                weights = pipelines.get(name).classifier.spec.name
            except EmotionError as error:
                faults[name] = str(error)
        return {
            "ok": not any(faults.values()),
            "version": __version__,
            "weights": weights,
            "detectors": faults,
        }

    gr.api(health, api_name="health")
