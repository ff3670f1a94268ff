"""The report of a simulation as one page with pictures, which needs no network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from bokeh.embed import file_html
from bokeh.layouts import column
from bokeh.models import ColumnDataSource, FactorRange
from bokeh.models.widgets.markups import Div
from bokeh.models.widgets.tables import DataTable, NumberFormatter, TableColumn
from bokeh.plotting import figure
from bokeh.resources import INLINE

from armillary.scheduler.simulation.report import Report, Share

_WIDTH: Final = 900
_DONE, _LEFT, _CLOSED, _LOST = "#2a7f62", "#c9ced6", "#8895a7", "#c2543d"
_ROW_PX: Final = 22
_ODDS: Final = 10


def page(report: Report) -> str:
    """A whole HTML page."""
    title = f"Simulation from {report.start}, {report.plays} plays"
    parts = [
        Div(text=f"<h1>{title}</h1><pre>{_escaped(report.summary())}</pre>", width=_WIDTH),
        _bars("Hours observed, of those asked for, by proposal", report.proposals),
        _bars("Hours observed, of those asked for, by priority", report.priorities),
        _odds(report),
        _telescopes(report),
        _table(report),
    ]
    return str(file_html(column(*parts, sizing_mode="scale_width"), INLINE, title))


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _bars(title: str, shares: Sequence[Share]) -> Any:
    names = [each.name for each in shares][::-1]
    ordered = list(shares)[::-1]
    picture = _rows(title, names)
    done = [each.observed_h for each in ordered]
    source = ColumnDataSource(
        {
            "name": names,
            "done": done,
            "asked": [each.asked_h for each in ordered],
            "low": [max(0.0, each.observed_h - each.spread_h) for each in ordered],
            "high": [each.observed_h + each.spread_h for each in ordered],
        }
    )
    picture.hbar(y="name", left="done", right="asked", height=0.7, source=source, color=_LEFT, legend_label="left")
    picture.hbar(y="name", right="done", height=0.7, source=source, color=_DONE, legend_label="observed")
    picture.segment(x0="low", x1="high", y0="name", y1="name", source=source, color="black", line_width=2)
    picture.xaxis.axis_label = "hours (line: standard deviation over the plays)"
    return picture


def _rows(title: str, names: Sequence[str]) -> Any:
    height = 110 + _ROW_PX * max(2, len(names))
    rows = FactorRange(factors=list(names))
    return figure(title=title, y_range=rows, height=height, width=_WIDTH, tools="save", toolbar_location="right")


def _odds(report: Report) -> Any:
    """How many requests have which chance."""
    chances = np.array([each.completed for each in report.requests])
    count, edges = np.histogram(chances, bins=np.linspace(0.0, 1.0, _ODDS + 1))
    picture = figure(title="Chance to be completed, by number of requests", height=260, width=_WIDTH, tools="save")
    picture.quad(top=count, bottom=0, left=edges[:-1], right=edges[1:], color=_DONE, line_color="white")
    picture.xaxis.axis_label = "share of the plays in which a request is completed"
    picture.yaxis.axis_label = "requests"
    return picture


def _telescopes(report: Report) -> Any:
    rows = report.telescopes[::-1]
    names = [each.telescope for each in rows]
    picture = _rows("Dark hours of each telescope", names)
    free = [max(0.0, each.dark_h - each.closed_h - each.observed_h - each.lost_h) for each in rows]
    source = {
        "name": names,
        "observed": [each.observed_h for each in rows],
        "lost": [each.lost_h for each in rows],
        "closed": [each.closed_h for each in rows],
        "free": free,
    }
    parts = ["observed", "lost", "closed", "free"]
    picture.hbar_stack(
        parts,
        y="name",
        height=0.7,
        source=ColumnDataSource(source),
        color=[_DONE, _LOST, _CLOSED, _LEFT],
        legend_label=["observed", "spent on failures", "closed", "free"],
    )
    picture.xaxis.axis_label = "mean hours over the plays"
    return picture


def _table(report: Report) -> Any:
    rows = sorted(report.requests, key=lambda each: (each.proposal, -each.completed, each.request))
    names = ("request", "name", "proposal", "observation_type", "duration_h", "completed", "failures")
    data: dict[str, list[Any]] = {name: [getattr(each, name) for each in rows] for name in names}
    data["median_completion"] = [each.median_completion or "" for each in rows]
    columns = [
        TableColumn(field="request", title="request"),
        TableColumn(field="name", title="name"),
        TableColumn(field="proposal", title="proposal"),
        TableColumn(field="observation_type", title="type"),
        TableColumn(field="duration_h", title="hours", formatter=NumberFormatter(format="0.00")),
        TableColumn(field="completed", title="completed", formatter=NumberFormatter(format="0 %")),
        TableColumn(field="failures", title="lost attempts", formatter=NumberFormatter(format="0.0")),
        TableColumn(field="median_completion", title="median completion"),
    ]
    return DataTable(source=ColumnDataSource(data), columns=columns, width=_WIDTH, height=400, index_position=None)
