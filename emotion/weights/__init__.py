"""Trained weights: where they lie, what they are, whether they are whole.

``config`` describes a network, ``files`` its files and hashes, ``shapes`` what it takes and gives. ``hub``
fetches files, ``find`` finds a folder by name, ``figures`` reads what was measured.
"""

__all__: list[str] = []
