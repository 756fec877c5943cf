"""The subcommands of ``python -m emotion``, one module each.

A module ``emotion/commands/<name>.py`` becomes the subcommand ``<name>``. The first line of its docstring
is its help; it offers two functions::

    add_arguments(parser)   declare the options
    run(args) -> int        do the work; the result is the exit status

Modules import heavy libraries inside ``run``, so that ``--help`` answers at once.
"""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

__all__ = ["load_commands"]


def load_commands() -> dict[str, Any]:
    """Each subcommand's module by the subcommand's name, in alphabetical order."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    return {name: importlib.import_module(f"{__name__}.{name}") for name in names}
