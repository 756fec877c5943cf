"""The model tab in a real browser, beside the files that it must agree with."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from support.places import ROOT

from emotion import shipped
from emotion.web.model_figures import headline_html
from emotion.web.model_tab import read_facts
from emotion.weights.config import read_spec

WEIGHTS = shipped.WEIGHTS / "compact"


@pytest.fixture
def tab(page: Page) -> Page:
    page.get_by_role("tab", name="Model").click()
    expect(page.locator("#model-headline")).to_be_visible()
    return page


@pytest.fixture(scope="module")
def metrics() -> dict:
    return json.loads((WEIGHTS / "metrics.json").read_text(encoding="utf-8"))


def test_headline_figures_are_those_of_the_weights(tab: Page, metrics: dict) -> None:
    headline = tab.locator("#model-headline")
    for figure in (metrics["accuracy"], metrics["ferplus"]["accuracy"]):
        expect(headline).to_contain_text(f"{figure:.1%}")
    weakest = min(metrics["per_class"], key=lambda name: metrics["per_class"][name]["recall"])
    expect(headline).to_contain_text(f"of {weakest} found")


def test_confusion_matrix_is_a_table_that_can_be_read_aloud(tab: Page, metrics: dict) -> None:
    table = tab.get_by_role("table", name="What it answers")
    expect(table.get_by_role("rowheader")).to_have_text(metrics["labels"])
    expect(table.get_by_role("columnheader")).to_have_text(metrics["labels"])
    counts = metrics["confusion_matrix"][3]
    happy = table.get_by_role("row").nth(4).get_by_role("cell")
    expect(happy).to_have_text([f"{count / sum(counts):.0%}" for count in counts])


def test_every_expression_has_its_figures(tab: Page, metrics: dict) -> None:
    table = tab.get_by_role("table", name="Each expression")
    for row, figures in enumerate(metrics["per_class"].values(), start=1):
        cells = table.get_by_role("row").nth(row).get_by_role("cell")
        expect(cells.nth(1)).to_have_text(f"{figures['recall']:.0%}")
        expect(cells.nth(3)).to_have_text(f"{figures['support']:,}")


def test_earlier_designs_stand_beside_the_network(tab: Page, metrics: dict) -> None:
    designs = json.loads((WEIGHTS / "architectures.json").read_text(encoding="utf-8"))
    table = tab.get_by_role("table", name="Beside the earlier designs")
    assert designs[0]["int8_accuracy"] == metrics["accuracy"], "Run benchmarks.architectures again."
    for row, design in enumerate(designs, start=1):
        cells = table.get_by_role("row").nth(row)
        expect(cells.get_by_role("rowheader")).to_contain_text(design["architecture"])
        expect(cells.get_by_role("cell").first).to_have_text(f"{design['accuracy']:.1%}")


@pytest.mark.parametrize("chart", ["reliability", "accuracy", "loss"])
def test_charts_are_drawn(tab: Page, chart: str) -> None:
    drawing = tab.locator(f"#model-{chart}").locator("canvas, svg.marks").first
    expect(drawing).to_be_visible()
    box = drawing.bounding_box()
    assert box is not None
    assert box["width"] > 200
    assert box["height"] > 150


def test_limits_of_use_are_said(tab: Page) -> None:
    expect(tab.locator("#model-limits")).to_contain_text("no hiring")


def test_nothing_is_wider_than_a_phone(tab: Page) -> None:
    tab.set_viewport_size({"width": 390, "height": 844})
    expect(tab.locator("#model-headline")).to_be_visible()
    assert tab.evaluate("document.documentElement.scrollWidth") <= 390


def test_weights_without_figures_are_still_read(tmp_path: Path) -> None:
    """Somebody's own weights may have nothing but a config.json and a model file."""
    folder = tmp_path / "bare"
    folder.mkdir()
    shutil.copy(WEIGHTS / "config.json", folder)
    facts = read_facts(folder)
    assert (facts.metrics, facts.history, facts.limits) == ({}, [], "")
    assert facts.architectures == []


def texts_of(*folders: Path) -> list[str]:
    """What the tab shows of each of some weights."""
    program = """
import sys
import app  # switches Gradio's calls home off
import emotion.web
import gradio
from emotion.web.model_tab import build_model_tab
from emotion.web.pipelines import Pipelines
for folder in sys.argv[1:]:
    with gradio.Blocks() as page:
        build_model_tab(Pipelines(folder, "litert"))
    print(ascii([getattr(block, "value", "") for block in page.blocks.values()]))
"""
    done = subprocess.run(
        [sys.executable, "-c", program, *map(str, folders)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_figures_of_another_shape_do_not_stop_the_app(tmp_path: Path) -> None:
    """Other programs write a ``metrics.json``, too; the rest of the tab is still there."""
    contents = (b'{"accuracy": 0.65}', b'{"accuracy": ', b"[1]", b"\xff", b"[" * 100_000)
    damaged = [
        (name, content)
        for name in ("metrics.json", "history.json", "architectures.json")
        for content in (*contents, b'{"loss": [1.5, 1.2]}')
    ]
    folders = [tmp_path / str(number) for number in range(len(damaged))]
    for folder, (name, content) in zip(folders, damaged, strict=True):
        shutil.copytree(WEIGHTS, folder, ignore=shutil.ignore_patterns("model.*"))
        (folder / name).write_bytes(content)
    for text, (name, _) in zip(texts_of(*folders), damaged, strict=True):
        assert ("have no figures to show" in text) == (name == "metrics.json")
        assert ("agrees with FER-2013" in text) == (name != "metrics.json")
        assert "no hiring" in text


def test_names_from_files_cannot_become_markup(tmp_path: Path, metrics: dict) -> None:
    config = json.loads((WEIGHTS / "config.json").read_text(encoding="utf-8"))
    config["name"] = "<script>alert(1)</script>"
    (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    assert "<script>" not in headline_html(read_spec(tmp_path), metrics)
