"""How the scripts of ``static/live`` come into the page."""

from __future__ import annotations

import json
from typing import Any

__all__ = ["mount_script"]

# Gradio runs this with `element`, `trigger`, `props` and `watch` when the component is there. The app's
# address is the page's own, or that of the element that another site embeds the app with. A script that
# cannot be loaded is asked for again: under another address, as browsers remember failures.
TEMPLATE = """
const options = OPTIONS;
if (options.markup) element.innerHTML = options.markup;
const embedded = element.closest("gradio-app")?.getAttribute("src");
const path = embedded || new URL(window.gradio_config?.root || "./", document.baseURI).pathname;
const root = new URL(path.replace(/\\/*$/, "/"), location.href).href;
const load = (attempt) => import(`${root}live/js/FILE${attempt ? `?${attempt}` : ""}`).then(
  (module) => module.FUNCTION({ element, trigger, props, watch, root, ...options }),
  () => setTimeout(load, 1000, attempt + 1),
);
load(0);
"""


def mount_script(file: str, function: str, **options: Any) -> str:
    """The ``js_on_load`` of a ``gr.HTML`` that a module of ``static/live`` fills.

    Args:
        file: Name of the module.
        function: What it exports; called with Gradio's ``element``, ``trigger``, ``props``, ``watch``, with
            the app's address as ``root``, and the options.
        options: Ready for JSON. ``markup`` is shown at once.
    """
    replaced = TEMPLATE.replace("FILE", file).replace("FUNCTION", function)
    return replaced.replace("OPTIONS", json.dumps(options))
