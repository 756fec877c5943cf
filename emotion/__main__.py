"""The command line: ``python -m emotion COMMAND``, or ``emotion COMMAND`` where the package is installed.

Exit status: 0 done, 1 something failed (it is named), 2 wrong usage, 130 stopped with Ctrl-C.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence

from emotion import __version__
from emotion.commands import load_commands
from emotion.errors import EmotionError

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one subcommand and return the exit status."""
    args = _build_parser().parse_args(arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A file's name may be no text of this terminal: it is shown with escapes, as on stderr.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
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
        # The reader (head, less) went away: that is its right. Keep the interpreter from flushing again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        print(f"emotion {args.command}: {error}", file=sys.stderr)
        return 1


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
