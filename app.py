"""The web app.

python app.py                        # http://127.0.0.1:7860
python app.py --share --auth me:secret
"""

from __future__ import annotations

import argparse
import ctypes
import errno
import importlib.util
import os
import signal
import socket
import sys
import threading
from contextlib import suppress
from pathlib import Path

from emotion.classifier import DEFAULT_RUNTIME, RUNTIMES
from emotion.faces import DEFAULT_DETECTOR, DETECTORS

# Before Gradio is imported: no usage figures, no version check, no fonts or scripts from elsewhere.
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")

MCP = "mcp>=1.21,<2"
"""What ``--mcp`` needs; the extra ``mcp`` of pyproject.toml."""


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Facial expressions in pictures: the web app.")
    parser.add_argument(
        "--host",
        default=os.environ.get("GRADIO_SERVER_NAME", "127.0.0.1"),
        help="address to listen on (default: $GRADIO_SERVER_NAME, else 127.0.0.1)",
    )
    parser.add_argument("--port", type=int, default=None, help="port to listen on (default 7860)")
    parser.add_argument("--share", action="store_true", help="also open a public Gradio link")
    parser.add_argument(
        "--auth",
        metavar="USER:PASSWORD",
        type=credentials,
        action="append",
        help="ask for these; may be given several times",
    )
    parser.add_argument(
        "--records",
        metavar="URL",
        help="database for what viewers record, or 'off' (default: $EMOTION_RECORDS_URL, else a SQLite file)",
    )
    parser.add_argument("--keep-days", type=days, metavar="N", help="delete sessions after N days")
    parser.add_argument(
        "--shared-dashboard",
        action="store_true",
        help="every viewer sees all recorded sessions, not only those of their own browser",
    )
    parser.add_argument("--metrics", action="store_true", help="figures for Prometheus at /metrics")
    parser.add_argument("--root-path", help="the path under which a proxy serves the app: /faces")
    parser.add_argument("--mcp", action="store_true", help="also serve the endpoints as MCP tools")
    parser.add_argument("--detector", choices=DETECTORS, default=DEFAULT_DETECTOR)
    parser.add_argument("--weights", help="a folder, a name in weights/, or hf://owner/name")
    parser.add_argument("--runtime", choices=(DEFAULT_RUNTIME, *RUNTIMES), default=DEFAULT_RUNTIME)
    args = parser.parse_args(arguments)
    if args.mcp and importlib.util.find_spec("mcp") is None:
        parser.error(f'--mcp needs another package. Install it with: pip install "{MCP}"')
    if args.shared_dashboard and args.auth:
        parser.error("--shared-dashboard is for servers without --auth, where nobody has a name")
    return args


def days(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"must be days, more than 0. Received: {text!r}")
    return value


def credentials(text: str) -> tuple[str, str]:
    user, _, password = text.partition(":")
    if not user or not password:
        raise argparse.ArgumentTypeError("must be USER:PASSWORD, neither of them empty")
    return user, password


def check_address(host: str, port: int | None) -> None:
    """End with a sentence where the server could not listen: Gradio blames the port for everything."""
    if port is not None and not 0 <= port <= 65535:
        sys.exit(f"--port must be from 0 to 65535. Received: {port}.")
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port or 0, type=socket.SOCK_STREAM)[
            0
        ]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except socket.gaierror as error:
        sys.exit(
            f"--host must be an address of this machine. Received: {host!r} ({error.strerror})."
        )
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            sys.exit(f"Port {port} is taken by another program. Choose another one with --port.")
        if error.errno == errno.EACCES:
            sys.exit(f"Port {port} may be used by administrators only. Choose one from 1024 on.")
        sys.exit(
            f"--host must be an address of this machine. Received: {host!r} ({error.strerror})."
        )


def main() -> None:
    args = parse_arguments()
    check_address(args.host, args.port)
    if args.share and not args.auth:
        print(
            "Warning: everybody who learns the public link can use this app. Add --auth USER:PASSWORD.",
            file=sys.stderr,
        )
    serve(args)


def return_unused_memory() -> None:
    """Let all threads share two heaps, and give large buffers back as soon as they are free.

    glibc makes up to eight heaps for each core, and none gives back what another one could use: with
    pictures, webcams and videos at once the server grew to 1.8 GB in half an hour (``benchmarks/soak.py``).

    Does nothing where the C library has no such settings.
    """
    arena_max, mmap_threshold = -8, -3  # M_ARENA_MAX and M_MMAP_THRESHOLD in malloc.h
    with suppress(AttributeError, OSError, TypeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(arena_max, 2)
        mallopt(mmap_threshold, 1 << 20)


def serve(args: argparse.Namespace) -> None:
    """Serve the page until Ctrl-C or SIGTERM."""
    # Gradio takes seconds to import; a mistyped option is answered at once.
    from gradio.utils import get_upload_folder

    from emotion.web.languages import TEXT
    from emotion.web.page import CSS, HEAD, ICON, THEME, addresses, build_page
    from emotion.web.pipelines import Pipelines
    from emotion.web.services import make_services
    from emotion.web.uploads import delete_parts_hourly
    from emotion.web.video_jobs import VideoJobs

    return_unused_memory()
    told_to_end = threading.Event()
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, lambda *_: told_to_end.set())
    pipelines, jobs = Pipelines(args.weights, args.runtime), VideoJobs()
    services = make_services(
        args.records, shared=args.shared_dashboard, keep_days=args.keep_days, metrics=args.metrics
    )
    demo = build_page(pipelines, jobs, args.detector, services)
    demo.launch(
        server_name=args.host,
        server_port=args.port,
        share=args.share,
        auth=args.auth,
        root_path=args.root_path,
        theme=THEME,
        css=CSS,
        head=HEAD,
        max_file_size="500mb",  # a few minutes of video
        i18n=TEXT,
        favicon_path=str(ICON),
        pwa=True,  # can be installed on a phone's or a desktop's home screen
        mcp_server=args.mcp,
        app_kwargs={"routes": addresses(pipelines, jobs, services)},
        footer_links=["api", "settings"],
        ssr_mode=False,
        state_session_capacity=1000,  # 140 kB for each open page
        run_history=False,  # Gradio would keep every call in the browser, pictures included
        prevent_thread_lock=True,
    )
    end_deleting = delete_parts_hourly(Path(get_upload_folder()))
    with suppress(KeyboardInterrupt):
        told_to_end.wait()
    end_deleting()
    demo.close()  # deletes the uploads


if __name__ == "__main__":
    main()
