"""The web app: one module a tab, and the page that holds them. The only place that knows Gradio."""

__all__: list[str] = []
