"""What the portal asks other services about: the observatory and its downtimes.

Never called inside a transaction, and never answered from a stale copy: the clients revalidate what they hold.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from importlib.metadata import entry_points
from typing import cast

from armillary.clients.configdb import ConfigDBClient
from armillary.clients.downtime import DowntimeClient
from armillary.clients.revisions import unless_changed
from armillary.clients.transport import connect
from armillary.configuration import configuration
from armillary.core.observatory import Observatory
from armillary.core.requests.facts import Downtime, Limits, RequestRule

RULES_ENTRY_POINT = "armillary.request_rules"


def _token() -> str | None:
    token = configuration().api_token
    return None if token is None else token.get_secret_value()


def observatory() -> Observatory:
    """The observatory as it is configured now.

    Raises:
        ServiceUnavailable: The configuration database cannot be reached.
    """
    return unless_changed("configdb", "observatory", _read_observatory)


def _read_observatory() -> Observatory:
    with connect("configdb", token=_token()) as http:
        return ConfigDBClient(http).observatory()


def downtimes(after: datetime) -> list[Downtime]:
    """All downtimes that end after a time.

    Raises:
        ServiceUnavailable: The downtime service cannot be reached.
    """
    day = after.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return [item for item in unless_changed("downtime", day, lambda: _read_downtimes(day)) if item.end > after]


def _read_downtimes(after: datetime) -> list[Downtime]:
    with connect("downtime", token=_token()) as http:
        found = DowntimeClient(http).ending_after(after)
    return [
        Downtime(
            start=item.start,
            end=item.end,
            site=item.site,
            enclosure=item.enclosure,
            telescope=item.telescope,
            instrument_type=item.instrument_type,
        )
        for item in found
    ]


def create_downtime(place: tuple[str, str, str], start: datetime, end: datetime, *, reason: str, token: str) -> None:
    """Keep the scheduler away from a telescope for a while.

    Args:
        place: Site, enclosure and telescope.
        start: From when.
        end: Until when.
        reason: A word by which the downtime is found again.
        token: Of the person for whom this is done; used if the portal has no token of its own.

    Raises:
        ClientError: The downtime service cannot be reached, or refuses.
    """
    site, enclosure, telescope = place
    with connect("downtime", token=_token() or token) as http:
        DowntimeClient(http).create(
            start=start, end=end, site=site, enclosure=enclosure, telescope=telescope, reason=reason
        )


def cancel_downtime(place: tuple[str, str, str], *, reason: str, token: str) -> bool:
    """Take a downtime back by its place and reason; whether there was exactly one.

    Raises:
        ClientError: The downtime service cannot be reached, or refuses.
    """
    site, enclosure, telescope = place
    with connect("downtime", token=_token() or token) as http:
        return DowntimeClient(http).cancel_by_reason(site=site, enclosure=enclosure, telescope=telescope, reason=reason)


def limits() -> Limits:
    """What this installation allows."""
    settings = configuration()
    return Limits(
        min_ipp_value=settings.min_ipp_value,
        max_ipp_value=settings.max_ipp_value,
        time_overuse_allowance=settings.proposal_time_overuse_allowance,
    )


@cache
def own_rules() -> tuple[RequestRule, ...]:
    """The observatory's own rules: what is installed under the entry point group ``armillary.request_rules``."""
    return tuple(cast("RequestRule", point.load()) for point in sorted(entry_points(group=RULES_ENTRY_POINT)))
