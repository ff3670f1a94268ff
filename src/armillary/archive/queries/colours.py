"""Which frames make a picture in colour together."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from django.db.models import QuerySet

from armillary.archive.models import Frame

TRIPLES: Final = (
    (("R", "rp"), ("V",), ("B",)),
    (("ip", "I", "rp", "R"), ("rp", "R", "V"), ("gp", "V", "B")),
)
"""Filters for red, green and blue; the first triple, and in it the first filters, that a request has."""


def colour_frames(frame: Frame, among: QuerySet[Frame]) -> tuple[Frame, Frame, Frame] | None:
    """The newest frames in three filters that were taken for the same request as a frame, at the same level.

    Args:
        frame: The frame; of no request there is none.
        among: The frames that exist for whoever will see the picture.
    """
    if frame.request_id is None:
        return None
    together = among.filter(
        request_id=frame.request_id,
        reduction_level=frame.reduction_level,
        configuration_type=frame.configuration_type,
        has_versions=True,
    )
    wanted = {name for triple in TRIPLES for names in triple for name in names}
    by_filter: dict[str, Frame] = {}
    for found in together.filter(primary_optical_element__in=wanted).order_by("-observation_date", "-id"):
        by_filter.setdefault(found.primary_optical_element, found)
    for triple in TRIPLES:
        chosen = _chosen(triple, by_filter)
        if chosen is not None:
            return chosen
    return None


def _chosen(triple: Iterable[Iterable[str]], by_filter: dict[str, Frame]) -> tuple[Frame, Frame, Frame] | None:
    chosen: list[Any] = []
    for names in triple:
        frame = next((by_filter[name] for name in names if name in by_filter and by_filter[name] not in chosen), None)
        if frame is None:
            return None
        chosen.append(frame)
    return chosen[0], chosen[1], chosen[2]
