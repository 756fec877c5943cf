"""The web app.

python app.py                        # http://127.0.0.1:7860
python app.py --share --auth me:secret
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import signal
import sys
import threading

# Before Gradio is imported: no usage figures, no version check, no fonts or scripts from elsewhere.
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")


from emotion.classifier import DEFAULT_RUNTIME, RUNTIMES
from emotion.faces import DEFAULT_DETECTOR, DETECTORS
from emotion.web.page import CSS, ICON, THEME, addresses, build_page
from emotion.web.pipelines import Pipelines

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
    parser.add_argument("--auth", metavar="USER:PASSWORD", type=credentials, help="ask for these")
    parser.add_argument("--root-path", help="the path under which a proxy serves the app: /faces")
    parser.add_argument("--mcp", action="store_true", help="also serve the endpoints as MCP tools")
    parser.add_argument("--detector", choices=DETECTORS, default=DEFAULT_DETECTOR)
    parser.add_argument("--weights", help="a folder, a name in weights/, or hf://owner/name")
    parser.add_argument("--runtime", choices=(DEFAULT_RUNTIME, *RUNTIMES), default=DEFAULT_RUNTIME)
    args = parser.parse_args(arguments)
    if args.mcp and importlib.util.find_spec("mcp") is None:
        parser.error(f'--mcp needs another package. Install it with: pip install "{MCP}"')
    return args


def credentials(text: str) -> tuple[str, str]:
    user, _, password = text.partition(":")
    if not user or not password:
        raise argparse.ArgumentTypeError("must be USER:PASSWORD, neither of them empty")
    return user, password


def main() -> None:
    args = parse_arguments()
    if args.share and not args.auth:
        print(
            "Warning: everybody who learns the public link can use this app. Add --auth USER:PASSWORD.",
            file=sys.stderr,
        )
    if threading.current_thread() is threading.main_thread():
        # As Ctrl-C: Gradio deletes the uploads when it ends so, and only then.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    demo = build_page(Pipelines(args.weights, args.runtime), args.detector)
    demo.launch(
        server_name=args.host,
        server_port=args.port,
        share=args.share,
        auth=args.auth,
        root_path=args.root_path,
        theme=THEME,
        css=CSS,
        max_file_size="500mb",  # a few minutes of film
        favicon_path=str(ICON),
        pwa=True,  # can be installed on a phone's or a desktop's home screen
        mcp_server=args.mcp,
        app_kwargs={"routes": addresses()},
        footer_links=["api", "settings"],
        ssr_mode=False,
        run_history=False,  # Gradio would keep every call in the browser, pictures included
    )


if __name__ == "__main__":
    main()
