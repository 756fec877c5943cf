"""What each peer's program does with a folder of pictures: time, boxes and labels, then its peak memory."""

import json
import resource
import sys
import time
from pathlib import Path


def report(read):
    """Call ``read(path) -> [(box, label)]`` for each picture, the first one twice: it sets up buffers."""
    paths = sorted(Path(sys.argv[1]).glob("*.png"))
    read(str(paths[0]))
    for path in paths:
        begin = time.perf_counter()
        faces = read(str(path))
        seconds = time.perf_counter() - begin
        line = {"file": path.name, "seconds": seconds, "faces": faces}
        print("RESULT", json.dumps(line), flush=True)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print("RESULT", json.dumps({"peak_mb": peak}), flush=True)
