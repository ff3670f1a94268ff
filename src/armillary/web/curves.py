"""Visibility curves: the altitude of a target during a night, with darkness, windows and what is scheduled."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import numpy as np
from bokeh.embed import components
from bokeh.models import BoxAnnotation, ColumnDataSource, DatetimeTickFormatter, HoverTool, Range1d, Span
from bokeh.plotting import figure

from armillary import riseset
from armillary.core.observatory import Telescope, riseset_site
from armillary.core.requests.model import Request
from armillary.core.requests.visibility import UnsupportedTarget, riseset_target

_STEP_S: Final = 300.0
_COLOURS: Final = ("#4f74f0", "#e0803a", "#2f9e6e", "#b455c8", "#c8473f", "#3aa0b8", "#8a8f3c")
_DARKNESS: Final = (("sunset", 0.10), ("nautical", 0.14), ("astronomical", 0.18))


@dataclass(frozen=True, slots=True)
class Plot:
    """A picture as the two pieces of HTML that Bokeh makes."""

    script: str
    div: str


def altitude_plot(
    request: Request,
    telescopes: Sequence[Telescope],
    *,
    start: datetime,
    end: datetime,
    scheduled: Iterable[tuple[datetime, datetime]] = (),
    now: datetime | None = None,
) -> Plot | None:
    """Altitude against time at each site for the request's first target; ``None`` when it has no place on the sky."""
    target = request.configurations[0].target
    if target is None:
        return None
    try:
        moving = riseset_target(target)
    except UnsupportedTarget:
        return None
    plot = _frame(start, end)
    _shade(plot, telescopes, start, end)
    times = np.arange(start.timestamp(), end.timestamp(), _STEP_S)
    for colour, telescope in zip(_COLOURS, _one_per_site(telescopes), strict=False):
        _curve(plot, moving, telescope, times, colour)
    for begin, stop in scheduled:
        plot.add_layout(BoxAnnotation(left=begin, right=stop, fill_color="#2f9e6e", fill_alpha=0.45, level="underlay"))
    if now is not None and start <= now <= end:
        plot.add_layout(Span(location=now, dimension="height", line_color="#d6336c", line_width=2))
    if plot.legend:
        plot.legend.location = "top_left"
        plot.legend.background_fill_alpha = 0.7
        plot.legend.click_policy = "hide"
    script, div = components(plot)
    return Plot(script, div)


def _frame(start: datetime, end: datetime) -> Any:
    plot = figure(
        x_axis_type="datetime",
        height=320,
        sizing_mode="stretch_width",
        x_range=Range1d(start, end),
        y_range=Range1d(0, 90),
        y_axis_label="altitude (degrees)",
        x_axis_label="UTC",
        toolbar_location=None,
        tools="",
        background_fill_alpha=0,
        border_fill_alpha=0,
        outline_line_alpha=0.2,
    )
    plot.xaxis.formatter = DatetimeTickFormatter(hours="%H:%M", days="%b %d", minutes="%H:%M")
    for axis in plot.axis:
        axis.major_label_text_color = axis.axis_label_text_color = "#7f8ba3"
        axis.axis_line_color = axis.major_tick_line_color = axis.minor_tick_line_color = "#7f8ba3"
    plot.grid.grid_line_alpha = 0.25
    return plot


def _shade(plot: Any, telescopes: Sequence[Telescope], start: datetime, end: datetime) -> None:
    if not telescopes:
        return
    site = riseset_site(telescopes[0])
    for twilight, alpha in _DARKNESS:
        for begin, stop in riseset.dark_windows(site, start, end, twilight):
            plot.add_layout(
                BoxAnnotation(left=begin, right=stop, fill_color="#22305c", fill_alpha=alpha, level="underlay")
            )


def _curve(plot: Any, target: Any, telescope: Telescope, times: Any, colour: str) -> None:
    positions = riseset.positions(target, riseset_site(telescope), times)
    source = ColumnDataSource(
        {
            "time": (times * 1000.0).tolist(),  # Bokeh counts milliseconds
            "altitude": np.round(positions.altitude_deg, 2).tolist(),
            "airmass": [f"{value:.2f}" if value < 38 else "-" for value in np.nan_to_num(positions.airmass, nan=99)],
        }
    )
    line = plot.line("time", "altitude", source=source, color=colour, line_width=2.5, legend_label=telescope.site)
    plot.add_tools(
        HoverTool(
            renderers=[line],
            mode="vline",
            tooltips=[("UTC", "@time{%H:%M}"), ("altitude", "@altitude{0.0}°"), ("airmass", "@airmass")],
            formatters={"@time": "datetime"},
        )
    )
    plot.add_layout(
        Span(location=telescope.horizon_deg, dimension="width", line_color=colour, line_dash="dashed", line_alpha=0.5)
    )


def _one_per_site(telescopes: Sequence[Telescope]) -> list[Telescope]:
    return list({telescope.site: telescope for telescope in reversed(telescopes)}.values())[::-1]


def night_around(request: Request, now: datetime) -> tuple[datetime, datetime]:
    """The day to draw: around now while the request's windows are open, else the first day of its windows."""
    if not request.windows:
        return now - timedelta(hours=6), now + timedelta(hours=18)
    first, last = request.windows[0].start or now, request.windows[-1].end
    if first <= now <= last:
        return now - timedelta(hours=6), now + timedelta(hours=18)
    centre = first if now < first else last
    return centre - timedelta(hours=12), centre + timedelta(hours=12)
