"""Read and write films, with PyAV (FFmpeg's libraries inside a wheel).

Frames are read and written one at a time: memory does not grow with the length of a film.
"""

from emotion.video.reader import MAX_SIDE, FilmFrame, FilmReader
from emotion.video.writer import FilmWriter

__all__ = ["MAX_SIDE", "FilmFrame", "FilmReader", "FilmWriter"]
