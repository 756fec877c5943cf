"""Each tab by axe-core's rules, in light and dark."""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile

import pytest
from playwright.sync_api import Browser
from support.running_app import Server

VERSION = "4.14.1"
PATIENCE_MS = 60_000

# Of Gradio itself: the name of its field for files, and the label of an empty one.
RUN = """() => axe.run({exclude: [['button[aria-dropeffect]'], ['.empty[aria-label]']]}, {
    runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'],
}).then(found => found.violations.flatMap(rule => rule.nodes.map(
    node => `${rule.id} (${rule.impact}): ${node.target.join(' ')} ${node.html.slice(0, 160)}`)))"""


@pytest.fixture(scope="module")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The script, from the npm registry."""
    folder = tmp_path_factory.mktemp("axe")
    npm = shutil.which("npm")
    command = [npm or "npm", "pack", "--silent", f"axe-core@{VERSION}"]
    if not npm or subprocess.run(command, cwd=folder, capture_output=True).returncode:
        if "CI" in os.environ:
            pytest.fail("axe-core cannot be fetched")
        pytest.skip("needs npm and its registry")
    with tarfile.open(folder / f"axe-core-{VERSION}.tgz") as archive:
        archive.extractall(folder, filter="data")
    return (folder / "package" / "axe.min.js").read_text(encoding="utf-8")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("tab", ["image", "webcam", "video", "dashboard", "model"])
def test_a_tab_breaks_no_rule(
    tab: str, scheme: str, axe: str, browser: Browser, server: Server
) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.goto(f"{server.url}/?tab={tab}&__theme={scheme}")
    page.get_by_role("tab", selected=True).wait_for(timeout=PATIENCE_MS)
    page.wait_for_timeout(3_000)  # what is read at first and what moves has come to rest
    page.evaluate(axe)
    broken = page.evaluate(RUN)
    context.close()
    assert not broken, "\n".join(broken)
