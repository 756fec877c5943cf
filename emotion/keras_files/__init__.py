"""Keras networks in files, old and new, read without running any code from the file.

A file says which layers there are; each name is looked up in a table of known layers (``layers``), the
network is wired from them (``graph``), and its numbers are filled in (``numbers``, ``files``). Keras's own
loader of whole models is not used: nothing in a file can name a function, a class or code that then runs.
"""

from emotion.keras_files.files import (
    load_model,
    write_json_h5,
)

__all__ = [
    "load_model",
    "write_json_h5",
]
