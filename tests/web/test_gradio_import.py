"""Gradio is imported without the work that only editors need."""

from __future__ import annotations

from support.running_app import run_app

PROGRAM = """
import inspect, sys
opened = []
sys.addaudithook(lambda event, args: opened.append(str(args[0])) if event == "open" else None)
import emotion.web, gradio
assert inspect.getfile(gradio).endswith("__init__.py")  # as it was before
print(sum(name.endswith(".pyi") for name in opened), gradio.Textbox.__name__)
"""


def test_no_type_stubs_are_read_or_written() -> None:
    done = run_app("-c", PROGRAM)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["0", "Textbox"]
