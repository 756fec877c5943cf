"""The subcommands of ``python -m emotion``, one module each.

A module ``emotion/commands/<name>.py`` becomes the subcommand ``<name>``. The first line of its docstring
is its help; it offers two functions::

    add_arguments(parser)   declare the options
    run(args) -> int        do the work; the result is the exit status

Modules import heavy libraries inside ``run``, so that ``--help`` answers at once.
"""

from __future__ import annotations

import argparse
import importlib
import os
import pkgutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from emotion.errors import EmotionError
from emotion.prior import PriorChoice, check_prior

__all__ = ["PRIOR_HELP", "count", "load_commands", "no_chatter", "prior", "score", "seconds"]

PRIOR_HELP = (
    "natural for everyday pictures, balanced for posed ones, or angry=1,disgust=1,… of your own"
)


def load_commands() -> dict[str, Any]:
    """Each subcommand's module by the subcommand's name, in alphabetical order."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    return {name: importlib.import_module(f"{__name__}.{name}") for name in names}


def score(text: str) -> float:
    """Read an option's value between 0 and 1; for ``add_argument(type=score)``."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0.0 <= value <= 1.0:
        raise argparse.ArgumentTypeError(f"must be a number from 0 to 1. Received: {text}")
    return value


def count(text: str) -> int:
    """Read an option's value, a whole number of at least 1; for ``add_argument(type=count)``."""
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number from 1 on. Received: {text}")
    return int(text)


def prior(text: str) -> PriorChoice:
    """Read ``natural``, ``balanced`` or ``angry=1,disgust=0.5,…``; for ``add_argument(type=prior)``."""
    try:
        return check_prior(text)
    except EmotionError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def seconds(text: str) -> float:
    """Read a time in seconds, not negative; for ``add_argument(type=seconds)``."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"must be seconds, 0 or more. Received: {text!r}")
    return value


@contextmanager
def no_chatter() -> Iterator[None]:
    """Keep what C++ libraries print while they start off the terminal; they offer no switch for it.

    Redirects the file descriptor of stderr, so it is for a single-threaded program that is starting.
    """
    sys.stderr.flush()
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
