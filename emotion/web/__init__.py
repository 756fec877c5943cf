"""The web app: one module a tab, and the page that holds them. The only place that knows Gradio."""

from __future__ import annotations

import inspect
from unittest.mock import patch

__all__: list[str] = []


def _import_gradio() -> None:
    """Import Gradio without the type stubs of its components, a third of the time that its import takes.

    Gradio compares those files, which help editors, with their sources at each start, and writes them anew
    (``gradio.component_meta.create_or_modify_pyi``). A component without a source file has none.
    """

    def no_source(thing: object) -> str:
        raise OSError(f"{thing} has no source file")

    with patch.object(inspect, "getfile", no_source):
        import gradio  # noqa: F401


_import_gradio()
