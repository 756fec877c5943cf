"""The package `fer` as its README says; with `mtcnn` as second argument, its slower detector."""

import sys

import cv2
from fer.fer import FER
from reporting import report

detector = FER(mtcnn=len(sys.argv) > 2 and sys.argv[2] == "mtcnn")


def read(path):
    faces = []
    for found in detector.detect_emotions(cv2.imread(path)):
        x, y, width, height = (int(side) for side in found["box"])
        label = max(found["emotions"], key=found["emotions"].get)
        faces.append(([x, y, x + width, y + height], label))
    return faces


report(read)
