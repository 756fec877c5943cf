"""examples/train.ipynb runs from its first cell to its last, on data made for the test."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.labelled_faces import write_parquet
from support.places import ROOT

pytest.importorskip("tensorflow", reason="TensorFlow is needed for training only")

import nbformat
from nbclient import NotebookClient

NOTEBOOK = ROOT / "examples" / "train.ipynb"


def test_the_notebook_has_no_results_in_it() -> None:
    """FER-2013's faces must not be published, and figures belong to the data of whoever runs it."""
    cells = nbformat.read(NOTEBOOK, as_version=4).cells
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in cells)


@pytest.mark.filterwarnings("default")  # those of Jupyter's own libraries
def test_the_notebook_trains_scores_and_reads_a_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_parquet(tmp_path / "train.parquet", 160)
    write_parquet(tmp_path / "validation.parquet", 70, seed=1)
    options = "--faces 128 --batch-size 64 --epochs 1 --warmup-epochs 0 --architecture plain"
    for name, value in (("DATA", tmp_path), ("OUT", tmp_path / "out"), ("OPTIONS", options)):
        monkeypatch.setenv(f"NOTEBOOK_{name}", str(value))
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(ROOT)}}).execute()
    said = "".join(
        output.get("text", "") for cell in notebook.cells for output in cell.get("outputs", [])
    )
    assert "of each expression found on average" in said
    assert "surprise" in notebook.cells[-2].outputs[0].text
    pictures = [
        output
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if "image/png" in output.get("data", {})
    ]
    assert len(pictures) == 4
