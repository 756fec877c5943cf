"""`deepface` with its default detector; fetches its weights at first use."""

from deepface import DeepFace
from reporting import report


def read(path):
    faces = []
    for found in DeepFace.analyze(path, actions=["emotion"], enforce_detection=False, silent=True):
        if found["face_confidence"] == 0:  # what it answers instead of "no face"
            continue
        r = found["region"]
        box = [r["x"], r["y"], r["x"] + r["w"], r["y"] + r["h"]]
        faces.append((box, found["dominant_emotion"]))
    return faces


report(read)
