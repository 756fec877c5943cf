"""The dashboard tab's layout; what its fields and buttons do is in ``dashboard.py``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr

from emotion.drawing import EXPRESSION_COLOURS
from emotion.types import Emotion
from emotion.web.dashboard import Dashboard
from emotion.web.dashboard_figures import LEGEND
from emotion.web.dashboard_findings import ALL, LATEST, PERIODS, SOURCES
from emotion.web.export_links import ExportLinks
from emotion.web.languages import LANGUAGES, TEXT
from emotion.web.record_owners import BROWSER_TOKEN, ServerRecords

__all__ = ["build_dashboard_tab"]

REFRESH_S = 5
CHART_HEIGHT = 300
COLOURS = {str(emotion): EXPRESSION_COLOURS[emotion] for emotion in Emotion}
FACE_COLOURS = {
    words[name]: colour
    for name, colour in (("records_in_view", "#0072B2"), ("records_new_faces", "#D55E00"))
    for words in LANGUAGES.values()
}
"""Charts know their curves by the words of their legend."""
PLAIN: dict[str, Any] = {"apply_default_css": False, "padding": False}

START_DOWNLOAD = """(path) => {
  if (!path) return;
  const link = document.createElement("a");
  link.href = ((window.gradio_config && window.gradio_config.root) || ".") + "/" + path;
  link.download = "";
  document.body.append(link);
  link.click();
  link.remove();
}"""

TOKEN_LAST = f"async (...fields) => [...fields.slice(0, -1), {BROWSER_TOKEN}]"
"""Puts the browser's token into its hidden field on the way to the server."""

ZONE_AND_TOKEN = (
    "async (...fields) => [...fields.slice(0, -2), "
    f"Intl.DateTimeFormat().resolvedOptions().timeZone, {BROWSER_TOKEN}]"
)


def build_dashboard_tab(
    records: ServerRecords, links: ExportLinks
) -> Callable[[Callable[..., Any]], Any]:
    """Add the contents of the tab to the open ``gr.Tab``.

    Args:
        records: Of the server.
        links: Makes the links of downloads.

    Returns:
        Call it with an event (``tab.select``) after which the dashboard is to be refreshed.
    """
    dashboard = Dashboard(records, links)
    zoom, zone, browser = gr.State(None), _unseen(), _unseen()
    link, kind = _unseen(), gr.State("")
    with gr.Row(elem_id="records-fields"):
        period = gr.Dropdown(
            [(TEXT(f"records_period_{name}"), name) for name in PERIODS],
            value="everything",
            label=TEXT("records_period"),
        )
        source = gr.Dropdown(
            [(TEXT(f"records_of_{name}"), name) for name in SOURCES],
            value=ALL,
            label=TEXT("records_source"),
        )
        session = gr.Dropdown(
            [(TEXT("records_latest"), LATEST), (TEXT("records_all"), ALL)],
            value=LATEST,
            label=TEXT("records_session"),
        )
        with gr.Column(min_width=160):
            again = gr.Button(TEXT("records_refresh"), elem_id="records-refresh")
            follow = gr.Checkbox(False, label=TEXT("records_follow"))
    notice = gr.HTML(elem_id="records-notice", **PLAIN)
    empty = gr.HTML(visible=False, elem_classes="records-heading", **PLAIN)
    with gr.Column(visible=False) as everything:
        charts = _charts()
        with gr.Row(elem_id="records-actions"):
            with gr.Column(min_width=260):
                form = gr.Radio(
                    ["csv", "json", "parquet"], value="csv", label=TEXT("records_export")
                )
                save = gr.Button(TEXT("records_download"), elem_id="records-save")
            with gr.Column(min_width=260):
                days = gr.Number(30, minimum=0, precision=0, label=TEXT("records_days"))
                older = gr.Button(TEXT("records_delete_older"))
            with gr.Column(min_width=260):
                one = gr.Button(TEXT("records_delete_one"))
                all_of_them = gr.Button(TEXT("records_delete_all"), variant="stop")
        with gr.Column(visible=False, elem_id="records-confirm") as confirm:
            question = gr.HTML(**PLAIN)
            with gr.Row():
                yes = gr.Button(TEXT("records_yes"), variant="stop")
                no = gr.Button(TEXT("records_no"))
    answer = gr.HTML(elem_id="records-answer", **PLAIN)
    timer = gr.Timer(REFRESH_S, active=False)

    quiet: dict[str, Any] = {
        "queue": False,
        "show_progress": "hidden",
        "api_visibility": "private",
    }
    inputs = [period, source, session, zoom, zone, browser]
    shown = [notice, session, empty, everything, *charts]

    def reread(event: Callable[..., Any]) -> Any:
        return event(dashboard.refresh, inputs, shown, js=ZONE_AND_TOKEN, **quiet)

    for field in (period, source, session):
        reread(field.input(lambda: None, None, zoom, **quiet).then)
    reread(again.click)
    reread(timer.tick)
    follow.input(lambda on: gr.Timer(active=on), follow, timer, **quiet)
    for chart in charts[2:4]:  # a range that is drawn into one of them is looked at more closely
        reread(chart.select(_drawn_range, None, zoom, **quiet).then)
        reread(chart.double_click(lambda: None, None, zoom, **quiet).then)
    reread(charts[5].select(_session_of_row, None, session, **quiet).then)
    wanted = [form, period, source, session, zoom, browser]
    save.click(dashboard.export, wanted, [link, answer], js=TOKEN_LAST, **quiet).then(
        None, link, None, js=START_DOWNLOAD, **quiet
    )
    asked = [kind, days, session, browser]
    for name, button in (("older", older), ("session", one), ("all", all_of_them)):
        button.click(lambda name=name: name, None, kind, **quiet).then(
            dashboard.ask, asked, [confirm, question, answer], js=TOKEN_LAST, **quiet
        )
    no.click(lambda: gr.Column(visible=False), None, confirm, **quiet)
    reread(yes.click(dashboard.delete, asked, [confirm, answer], js=TOKEN_LAST, **quiet).then)
    return reread


def _charts() -> list[Any]:
    # Headings of our own: Gradio does not always translate those of its charts.
    no_titles: dict[str, Any] = {"x_title": " ", "y_title": " "}
    change = gr.HTML(elem_id="records-change", **PLAIN)
    with gr.Row():
        with gr.Column(scale=2, min_width=300):
            _heading(TEXT("records_distribution"))
            distribution = gr.BarPlot(
                x="expression",
                y="share",
                color="expression",
                color_map=COLOURS,
                colors_in_legend=[],
                y_lim=[0, None],
                sort=list(COLOURS),
                x_label_angle=-35,
                height=CHART_HEIGHT,
                elem_id="records-distribution",
                **no_titles,
            )
        with gr.Column(scale=3, min_width=320):
            _heading(TEXT("records_trend"))
            trend = gr.LinePlot(
                x="time",
                y="probability",
                color="expression",
                color_map=COLOURS,
                colors_in_legend=[],
                y_lim=[0, 1],
                height=CHART_HEIGHT,
                elem_id="records-trend",
                **no_titles,
            )
    gr.HTML(LEGEND, elem_id="records-legend", **PLAIN)
    _heading(TEXT("records_faces"))
    faces = gr.LinePlot(
        x="time",
        y="faces",
        color="counted",
        color_map=FACE_COLOURS,
        color_title=" ",
        y_lim=[0, None],
        height=200,
        elem_id="records-faces",
        **no_titles,
    )
    strips = gr.HTML(elem_id="records-strips", **PLAIN)
    table = gr.Dataframe(
        label=TEXT("records_sessions"),
        interactive=False,
        max_height=320,
        elem_id="records-table",
    )
    return [change, distribution, trend, faces, strips, table]


def _heading(text: Any) -> None:
    gr.HTML(f"<h3>{text}</h3>", elem_classes="records-heading", **PLAIN)


def _unseen() -> gr.Textbox:
    """A field that carries text between browser and server; not to be seen."""
    return gr.Textbox("", visible="hidden")


def _drawn_range(event: gr.SelectData) -> list[float] | None:
    """Seconds since 1970 at both ends of a range that was drawn into a chart."""
    edges = event.index
    return [float(edge) for edge in edges] if isinstance(edges, list) and len(edges) == 2 else None


def _session_of_row(event: gr.SelectData) -> str:
    """The session of a row of the table: its last column."""
    return str(event.row_value[-1])
