"""The page's own words, in the viewer's language; see ``languages/``.

What stands on the page from the start is translated by Gradio in the browser (:data:`TEXT`); what the server
makes for a viewer is put into words here (:func:`words_for`). Names of expressions stay English everywhere,
as they are in the data; so do messages of errors.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TypeAlias

import gradio as gr
from starlette.requests import Request

__all__ = ["DEFAULT", "LANGUAGES", "TEXT", "Words", "words_for"]

Words: TypeAlias = Mapping[str, str]
"""The words of one language, by their names."""

DEFAULT = "en"

LANGUAGES: Mapping[str, Words] = MappingProxyType(
    {
        path.stem: MappingProxyType(tomllib.loads(path.read_text(encoding="utf-8")))
        for path in sorted((Path(__file__).parent / "languages").glob("*.toml"))
    }
)
"""The words of each language, by their names; every language has the same names."""

TEXT = gr.I18n(**{name: dict(words) for name, words in LANGUAGES.items()})
"""Called with a name, gives what Gradio's browser side replaces by the words; ``launch(i18n=TEXT)``."""


def words_for(request: gr.Request | Request | None) -> Words:
    """The words of the language that a viewer's browser asks for first, of those there are.

    Args:
        request: The viewer's; None, as in tests, means English.
    """
    wanted = "" if request is None else request.headers.get("accept-language", "")
    ranked: list[tuple[float, int, str]] = []
    for place, part in enumerate(wanted.split(",")):
        tag, _, weight = part.partition(";q=")
        try:
            ranked.append((-float(weight or 1), place, tag.strip().split("-")[0].lower()))
        except ValueError:
            continue
    for _, _, language in sorted(ranked):
        if language in LANGUAGES:
            return LANGUAGES[language]
    return LANGUAGES[DEFAULT]
