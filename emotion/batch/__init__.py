"""Very many pictures, on all cores of a machine or of a cluster, with Ray Data: ``emotion batch``.

The pictures are divided into parts. A part is read by one actor, which holds one pipeline, and becomes one
parquet file that appears complete or not at all, under a name that follows from its pictures. However often
Ray runs a part, its file is there once. See docs/scale.md.
"""

__all__: list[str] = []
