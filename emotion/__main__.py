"""The command line: ``python -m emotion COMMAND``, or ``emotion COMMAND`` where the package is installed.

Exit status: 0 done, 1 something failed (it is named), 2 wrong usage, 130 stopped with Ctrl-C, 143 by SIGTERM.
"""

from __future__ import annotations

import argparse
import io
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from emotion import __version__
from emotion.commands import load_commands
from emotion.errors import EmotionError

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one subcommand and return the exit status."""
    args = _build_parser().parse_args(arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A file name may hold characters that this terminal cannot show: escape them, as stderr does.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        with _ended_by_sigterm():
            status: int = args.run(args)
        sys.stdout.flush()
        return status
    except EmotionError as error:
        print(f"emotion {args.command}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"\nemotion {args.command}: stopped.", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # The reader (head, less) has stopped reading, as it may. Keep the interpreter from flushing again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        print(f"emotion {args.command}: {error}", file=sys.stderr)
        return 1


@contextmanager
def _ended_by_sigterm() -> Iterator[None]:
    """Leave ``with`` statements on SIGTERM as on Ctrl-C, so that no half-written file stays behind."""

    def end(*_: object) -> None:
        raise SystemExit(128 + signal.SIGTERM)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _build_parser() -> argparse.ArgumentParser:
    """The parser of the whole command line."""
    parser = argparse.ArgumentParser(
        prog="emotion", description="Finds faces and reads their expression."
    )
    parser.add_argument("--version", action="version", version=f"emotion {__version__}")
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, module in load_commands().items():
        summary = (module.__doc__ or "").strip().splitlines()[0]
        subparser = subparsers.add_parser(
            name,
            help=summary,
            description=module.__doc__,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.add_arguments(subparser)
        subparser.set_defaults(run=module.run)
    return parser


if __name__ == "__main__":
    sys.exit(main())
