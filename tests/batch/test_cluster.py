"""``emotion batch --address`` on a cluster of two machines, of which one is killed while it reads."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from support.places import EXAMPLES, ROOT

from emotion.batch.cluster import SWITCHES
from emotion.batch.parts import MANIFEST

if not os.environ.get("CI"):  # there every test must run
    pytest.importorskip("ray")

PICTURES, IN_A_PART = 60, 3
"""Of a tenth of a second each: they must last until the machine is killed."""


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Two machines of one core each: Ray's own processes, on this machine's loopback."""
    for name, value in (SWITCHES | {"PYTHONPATH": str(ROOT)}).items():
        monkeypatch.setenv(name, value)
    from ray.cluster_utils import Cluster

    about = {"num_cpus": 1, "object_store_memory": 128 * 1024**2}
    cluster = Cluster(initialize_head=True, head_node_args=about | {"include_dashboard": False})
    cluster.add_node(**about)
    yield cluster
    cluster.shutdown()


@pytest.mark.install  # takes a minute
def test_a_machine_that_dies_loses_nothing_and_repeats_nothing(
    cluster: Any, tmp_path: Path
) -> None:
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    names = [folder / f"{number}.jpg" for number in range(PICTURES)]
    for name in names:
        name.symlink_to(EXAMPLES / "group.jpg")
    words = ["batch", str(folder), "--out", str(out), "--address", cluster.address]
    process = subprocess.Popen(
        [sys.executable, "-m", "emotion", *words, "--part-size", str(IN_A_PART)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while len(list(out.glob("part-*"))) < 4:  # both machines have begun
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    [machine] = cluster.worker_nodes
    cluster.remove_node(machine, allow_graceful=False)
    before = len(list(out.glob("part-*")))
    said, complaints = process.communicate(timeout=300)
    assert process.returncode == 0, said + complaints
    assert complaints == ""
    rows = pq.read_table(out, columns=["source", "face"]).to_pylist()
    assert {row["source"] for row in rows} == set(map(str, names))
    assert len({(row["source"], row["face"]) for row in rows}) == len(rows)
    manifest = json.loads((out / MANIFEST).read_text())
    counts = (manifest["items"], manifest["faces"], manifest["parts"])
    assert counts == (PICTURES, len(rows), PICTURES // IN_A_PART)
    assert (manifest["complete"], manifest["damaged"], manifest["unread"]) == (True, [], [])
    assert before < PICTURES // IN_A_PART, (
        "the machine must die while there is something left to read"
    )
