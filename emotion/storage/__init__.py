"""The database of records: what was seen in a stream, kept only when somebody asked for it.

::

    Moment ─► Recorder.start() ─► Recording.add()   never waits, never raises
                                       │ bounded buffer
                                  Writer (a thread) ─► SQLite, MySQL/MariaDB or PostgreSQL
                                                              │
                                          dashboard, `emotion records` ◄─ queries, trends, export

Only numbers are stored, beside the name of the file that was read. No image, and nothing that says who a
person is; owners are stored as a hash.
"""

__all__: list[str] = []
