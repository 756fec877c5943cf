"""List, show, export and delete what was recorded.

  emotion records list
  emotion records show SESSION
  emotion records export --format csv > all.csv
  emotion records delete SESSION ...

The database is the one of --database, else of $EMOTION_RECORDS_URL, else a file in your folder for data.
Anybody who may read the database sees everything in it.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from emotion.errors import StorageError

if TYPE_CHECKING:
    from emotion.storage.database import Database
    from emotion.storage.queries import Selection, StoredSession

__all__ = ["add_arguments", "run"]

LIST_COLUMNS = ("session", "started", "source", "title", "duration_s", "frames", "faces", "rows")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the actions of ``emotion records`` and their options."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    listing = _action(actions, "list", _list, "one line for each session, the newest first")
    listing.add_argument("--json", action="store_true", help="one JSON object for each session")
    listing.add_argument("--csv", action="store_true", help="as CSV")
    show = _action(actions, "show", _show, "what one session showed")
    show.add_argument("session", metavar="SESSION")
    show.add_argument("--json", action="store_true", help="as one JSON object")
    export = _action(actions, "export", _export, "every observation, one by one")
    export.add_argument("sessions", nargs="*", metavar="SESSION", help="these; otherwise all")
    export.add_argument("--format", choices=("csv", "json", "parquet"), default="csv")
    export.add_argument("--excel", action="store_true", help="CSV that Excel reads as UTF-8")
    export.add_argument("--out", type=Path, metavar="FILE", help="write here, not to the terminal")
    delete = _action(actions, "delete", _delete, "delete sessions for good")
    which = delete.add_mutually_exclusive_group(required=True)
    which.add_argument("sessions", nargs="*", default=[], metavar="SESSION")
    which.add_argument("--all", action="store_true", help="every session of everybody")
    which.add_argument("--older-than", type=float, metavar="DAYS", help="that started before")


def run(args: argparse.Namespace) -> int:
    """Do what the action says."""
    from emotion.storage.database import Database

    database = Database(args.database)
    try:
        status: int = args.act(args, database)
        return status
    finally:
        database.close()


def _action(
    actions: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    act: Callable[[argparse.Namespace, Database], int],
    help_text: str,
) -> argparse.ArgumentParser:
    parser = actions.add_parser(name, help=help_text, description=help_text)
    parser.add_argument("--database", metavar="URL", help="an address or the path of a SQLite file")
    parser.set_defaults(act=act)
    return parser


def _list(args: argparse.Namespace, database: Database) -> int:
    from emotion.storage.queries import Selection, sessions

    with database.begin() as connection:
        rows = [_session_dict(one) for one in sessions(connection, Selection(None))]
    if args.json:
        for row in rows:
            print(json.dumps(row, ensure_ascii=False))
    elif args.csv:
        writer = csv.DictWriter(sys.stdout, LIST_COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    else:
        for row in rows:
            title = f"  {row['title']}" if row["title"] else ""
            print(
                f"{row['session']}  {str(row['started'])[:19]}  {row['source']:6} "
                f"{row['duration_s']:9,.1f} s {row['frames']:9,} frames {row['faces']:5,} faces{title}"
            )
        print(f"{len(rows)} sessions in {database.place}", file=sys.stderr)
    return 0


def _show(args: argparse.Namespace, database: Database) -> int:
    from emotion.storage import trends
    from emotion.storage.queries import sessions

    wanted = _chosen([args.session])
    with database.begin() as connection:
        found = sessions(connection, wanted)
        if not found:
            raise StorageError(f"There is no session {args.session} in {database.place}.")
        shown = trends.distribution(connection, wanted)
    total = sum(shown.values())
    shares = {str(emotion): round(count / total, 4) for emotion, count in shown.items() if total}
    if args.json:
        print(json.dumps(_session_dict(found[0]) | {"shares": shares}, ensure_ascii=False))
        return 0
    for name, value in _session_dict(found[0]).items():
        print(f"{name:14} {value}")
    for emotion, share in sorted(shares.items(), key=lambda item: -item[1]):
        print(f"{emotion:14} {share:6.1%}")
    return 0


def _export(args: argparse.Namespace, database: Database) -> int:
    from emotion.storage.export import export

    if args.format == "parquet" and not args.out and sys.stdout.isatty():
        raise StorageError("Parquet is no text. Add --out FILE, or send it to a file or program.")
    with database.begin() as connection:
        wanted = _chosen(args.sessions)
        pieces = export(connection, wanted, args.format, excel=args.excel)
        if args.out:
            _write_whole(args.out, pieces)
        else:
            sys.stdout.flush()
            for piece in pieces:
                sys.stdout.buffer.write(piece)
    return 0


def _delete(args: argparse.Namespace, database: Database) -> int:
    from emotion.storage.deletion import delete_sessions, older_than

    if args.older_than is not None:
        count = delete_sessions(database, older_than(args.older_than))
    else:
        wanted = _chosen([] if args.all else args.sessions)
        count = delete_sessions(database, wanted)
        if not args.all and count < len(set(args.sessions)):
            print(f"Deleted {count}; the others were not found.", file=sys.stderr)
            return 1
    print(f"Deleted {count} {'session' if count == 1 else 'sessions'}.")
    return 0


def _chosen(names: list[str]) -> Selection:
    """The sessions of these names; without any, all."""
    from emotion.storage.queries import Selection
    from emotion.storage.recorder import session_number

    numbers = []
    for name in names:
        number = session_number(name)
        if number is None:
            raise StorageError(
                f"A session is named by twelve hexadecimal digits, as in `emotion records list`. "
                f"Received: {name}"
            )
        numbers.append(number)
    return Selection(None, session_ids=tuple(numbers) if names else None)


def _session_dict(session: StoredSession) -> dict[str, object]:
    from emotion.storage.export import iso_time
    from emotion.storage.recorder import session_name

    return {
        "session": session_name(session.id),
        "started": iso_time(session.started_ms),
        "source": session.source,
        "title": session.title,
        "duration_s": session.duration_s,
        "frames": session.frames,
        "faces": session.faces,
        "rows": session.observations,
    }


def _write_whole(path: Path, pieces: Iterator[bytes]) -> None:
    """Write a file that appears under its name only when it is complete."""
    part = path.with_name(f".{path.name}.part")
    try:
        with part.open("wb") as file:
            file.writelines(pieces)
        part.replace(path)
    except OSError as error:
        raise StorageError(f"{path} cannot be written: {error}") from error
    finally:
        part.unlink(missing_ok=True)
