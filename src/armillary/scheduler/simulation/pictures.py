"""The report of a simulation as one page with pictures, which needs no network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from bokeh.embed import file_html
from bokeh.layouts import column
from bokeh.models import ColumnDataSource, FactorRange, NumeralTickFormatter
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
    title = f"Simulation from {_readable(report.start)} UTC, {report.plays} plays"
    parts = [
        Div(text=f"<h1>{title}</h1><pre>{_escaped(report.summary())}</pre>", width=_WIDTH),
        _bars("Hours observed, of those asked for, by proposal", report.proposals),
        _bars("Hours observed, of those asked for, by priority", report.priorities),
        _odds(report),
        _telescopes(report),
        _table(report),
    ]
    whole = column(*parts, sizing_mode="scale_width", styles={"max-width": f"{_WIDTH}px", "margin": "0 auto"})
    return str(file_html(whole, INLINE, title))


def _readable(time: str) -> str:
    """A time as people write it, to the minute: ``2026-11-23 15:00``."""
    return time[:16].replace("T", " ")


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
    return _with_legend_above(picture)


def _rows(title: str, names: Sequence[str]) -> Any:
    rows = FactorRange(factors=list(names))
    picture = _figure(title, 140 + _ROW_PX * max(2, len(names)), y_range=rows)
    picture.x_range.start = 0.0
    picture.ygrid.visible = False
    return picture


def _figure(title: str, height: int, **ranges: Any) -> Any:
    picture = figure(title=title, height=height, width=_WIDTH, tools="save", toolbar_location="right", **ranges)
    picture.toolbar.logo = None
    return picture


def _with_legend_above(picture: Any) -> Any:
    """Within the picture it would hide bars."""
    legend = picture.legend[0]
    legend.orientation, legend.border_line_color, legend.padding = "horizontal", None, 2
    picture.add_layout(legend, "above")
    return picture


def _odds(report: Report) -> Any:
    """How many requests have which chance."""
    chances = np.array([each.completed for each in report.requests])
    count, edges = np.histogram(chances, bins=np.linspace(0.0, 1.0, _ODDS + 1))
    picture = _figure("Chance to be completed, by number of requests", 260)
    picture.x_range.start, picture.x_range.end, picture.y_range.start = 0.0, 1.0, 0
    picture.xaxis.formatter = NumeralTickFormatter(format="0 %")
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
    return _with_legend_above(picture)


def _table(report: Report) -> Any:
    rows = sorted(report.requests, key=lambda each: (each.proposal, -each.completed, each.request))
    names = ("request", "name", "proposal", "observation_type", "duration_h", "completed", "failures")
    data: dict[str, list[Any]] = {name: [getattr(each, name) for each in rows] for name in names}
    data["median_completion"] = [_readable(each.median_completion or "") for each in rows]
    columns = [
        TableColumn(field="request", title="request", width=70),
        TableColumn(field="name", title="name", width=290),
        TableColumn(field="proposal", title="proposal", width=130),
        TableColumn(field="observation_type", title="type", width=110),
        TableColumn(field="duration_h", title="hours", width=50, formatter=NumberFormatter(format="0.00")),
        TableColumn(field="completed", title="completed", width=80, formatter=NumberFormatter(format="0 %")),
        TableColumn(field="failures", title="lost", width=40, formatter=NumberFormatter(format="0.0")),
        TableColumn(field="median_completion", title="median, UTC", width=140),
    ]
    return DataTable(source=ColumnDataSource(data), columns=columns, width=_WIDTH, height=400, index_position=None)
