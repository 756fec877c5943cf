"""HTML from the templates of ``templates/``, which escape by themselves and know no undefined names."""

from __future__ import annotations

from pathlib import Path

import jinja2

__all__ = ["render"]

_ENVIRONMENT = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def render(template: str, **values: object) -> str:
    """Fill in a template.

    Args:
        template: Name of a file in ``templates/``, without ``.html``.
        values: What it names. Text is escaped; nothing is taken for markup.

    Raises:
        jinja2.UndefinedError: If the template names what is not given.
    """
    return _ENVIRONMENT.get_template(f"{template}.html").render(values)
