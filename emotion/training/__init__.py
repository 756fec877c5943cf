"""Everything that makes and measures networks. Serving never imports it."""

__all__: list[str] = []
