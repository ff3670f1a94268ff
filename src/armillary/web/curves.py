"""Visibility curves: the altitude of a target during a night, with darkness, windows and what is scheduled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import numpy as np
from bokeh.embed import components
from bokeh.models.annotations import BoxAnnotation, Span
from bokeh.models.formatters import DatetimeTickFormatter
from bokeh.models.ranges import Range1d
from bokeh.models.sources import ColumnDataSource
from bokeh.models.tools import HoverTool
from bokeh.plotting import figure

from armillary import riseset
from armillary.core.observatory import Observatory, Telescope, riseset_site
from armillary.core.requests.model import Request
from armillary.core.requests.visibility import UnsupportedTarget, riseset_target

Stretch = tuple[datetime, datetime]
"""From and to; half-open."""

_STEP_S: Final = 300.0
_ABOUT_A_NIGHT: Final = timedelta(hours=30)
_MARGIN: Final = timedelta(hours=3)
_HALF_A_DAY: Final = timedelta(hours=12)
_COLOURS: Final = ("#4f74f0", "#e0803a", "#2f9e6e", "#b455c8", "#c8473f", "#3aa0b8", "#8a8f3c")
_GREEN: Final = "#2f9e6e"
_TEXT_COLOUR: Final = "#7f8ba3"  # readable upon the light and the dark card
_DARKNESS: Final[tuple[tuple[riseset.Twilight, float], ...]] = (
    ("sunset", 0.10),
    ("nautical", 0.14),
    ("astronomical", 0.18),
)


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
    scheduled: Sequence[Stretch] = (),
    possible: Sequence[Stretch] = (),
    now: datetime | None = None,
) -> Plot | None:
    """Altitude against time at each site for the request's first target; ``None`` when it has no place on the sky.

    Args:
        request: What is asked for.
        telescopes: Where it could be observed.
        start: Left edge.
        end: Right edge.
        scheduled: When it is on the schedule: green bars.
        possible: When all its constraints allow it: a green strip at the foot.
        now: Where the line of the present is drawn.
    """
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
    for begin, stop in possible:
        plot.add_layout(BoxAnnotation(left=begin, right=stop, bottom=0, top=3, fill_color=_GREEN, fill_alpha=0.9))
    for begin, stop in scheduled:
        plot.add_layout(BoxAnnotation(left=begin, right=stop, fill_color=_GREEN, fill_alpha=0.45, level="underlay"))
    if now is not None and start <= now <= end:
        plot.add_layout(Span(location=now, dimension="height", line_color="#d6336c", line_width=2))
    if plot.legend:
        plot.add_layout(plot.legend[0], "above")  # upon the card, where no curve and no darkness is behind it
        plot.legend.location, plot.legend.orientation, plot.legend.ncols = "top_left", "horizontal", 4
        plot.legend.background_fill_alpha = plot.legend.border_line_alpha = 0.0
        plot.legend.label_text_color = _TEXT_COLOUR
        plot.legend.click_policy = "hide"
    script, div = components(plot)
    return Plot(script, div)


def _frame(start: datetime, end: datetime) -> Any:
    plot = figure(
        x_axis_type="datetime",
        height=320,
        sizing_mode="stretch_width",
        x_range=Range1d(start=start, end=end),
        y_range=Range1d(start=0, end=90),
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
        axis.major_label_text_color = axis.axis_label_text_color = _TEXT_COLOUR
        axis.axis_line_color = axis.major_tick_line_color = axis.minor_tick_line_color = _TEXT_COLOUR
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


def telescopes_for(observatory: Observatory, request: Request) -> list[Telescope]:
    """Telescopes in service that have the instrument of a request's first configuration, where it may be observed."""
    location = request.location
    place = (
        {}
        if location is None
        else location.model_dump(include={"site", "enclosure", "telescope", "telescope_class"}, exclude_none=True)
    )
    kind = request.configurations[0].instrument_type
    keys = dict.fromkeys(it.telescope_key for it in observatory.instruments_of(kind, **place))
    return [telescope for key in keys if (telescope := observatory.telescope(key)) is not None]


def night_around(request: Request, scheduled: Sequence[Stretch], now: datetime) -> Stretch:
    """What to draw: all windows if that is about a night, else a day around what is scheduled, now, or the windows."""
    if not request.windows:
        return _day_around(scheduled[0][0] if scheduled else now)
    first, last = request.windows[0].start, request.windows[-1].end
    if last - first <= _ABOUT_A_NIGHT:
        return first - _MARGIN, last + _MARGIN
    if scheduled:
        return _day_around(scheduled[-1][0])
    return _day_around(min(max(now, first), last))


def _day_around(moment: datetime) -> Stretch:
    return moment - _HALF_A_DAY, moment + _HALF_A_DAY
