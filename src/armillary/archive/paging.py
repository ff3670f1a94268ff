"""Pages of frames whose ``count`` and ``next`` are never wrong.

``count`` is exact when it is promised to be (``count_estimated: false``): for the queries that the reference promises
it for, and with ``force_count``. Otherwise it is exact up to :data:`COUNTED` rows past the page and a lower bound
beyond, so ``next`` leads on exactly as long as there is more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from django.db.models import QuerySet
from django.utils.dateparse import parse_datetime
from rest_framework.request import Request
from rest_framework.utils.urls import remove_query_param, replace_query_param

from armillary.archive.links import origin

DEFAULT_LIMIT: Final = 100
LARGEST_LIMIT: Final = 1000
COUNTED: Final = 10_000
_ALWAYS_COUNTED: Final = frozenset({
    "request_id", "REQNUM", "observation_id", "BLKUID", "basename_exact", "md5", "frame_basename",
})  # fmt: skip
_BY_PLACE: Final = ("covers", "intersects", "radius")
"""Searches of the sky, whose matches no index has in any order."""
_SHORT: Final = timedelta(days=7)
_LONG: Final = timedelta(weeks=9)
_NARROW: Final = ("proposal_id", "PROPID", "target_name_exact")


@dataclass(frozen=True, slots=True)
class Page:
    """A page of rows, and where it stands."""

    rows: list[Any]
    count: int
    is_promised: bool
    next: str | None
    previous: str | None

    def body(self, results: list[Any]) -> dict[str, Any]:
        """The answer, with the rows as they are shown."""
        return {
            "count": self.count,
            "next": self.next,
            "previous": self.previous,
            "results": results,
            "count_estimated": not self.is_promised,
        }


def page_of(
    rows: QuerySet[Any, Any], request: Request, *, rows_of: Callable[[Sequence[int]], Iterable[Any]] | None = None
) -> Page:
    """The page that the query parameters ``limit`` and ``offset`` ask for; unusable values mean the default.

    Args:
        rows: All that match, in their order.
        request: Says which page.
        rows_of: Finds some of them again by their keys, when these were found first; default: search once more.
    """
    limit = limit_of(request)
    offset = _whole(request.query_params.get("offset"), 0, least=0)
    is_promised = promises_exact_count(request.query_params, is_authenticated=bool(request.user.is_authenticated))
    find = _found_at_once if any(request.query_params.get(name) for name in _BY_PLACE) else _found
    again = rows_of or (lambda keys: rows.order_by().filter(pk__in=keys))
    found, count, has_more = find(
        _Wanted(rows, offset, limit, None if is_promised else offset + limit + COUNTED, again)
    )
    address = f"{origin(request)}{request.get_full_path()}"
    following = _following(address, limit, offset) if has_more else None
    return Page(found, count, is_promised, following, _previous(address, limit, offset))


def limit_of(request: Request) -> int:
    """How many rows of a page were asked for, within what is allowed."""
    return min(_whole(request.query_params.get("limit"), DEFAULT_LIMIT, least=1), LARGEST_LIMIT)


@dataclass(frozen=True, slots=True)
class _Wanted:
    rows: QuerySet[Any, Any]
    offset: int
    limit: int
    counted: int | None
    """How far to count; ``None``: to the end."""
    again: Callable[[Sequence[int]], Iterable[Any]]
    """Finds rows by their keys."""

    @property
    def end(self) -> int:
        return self.offset + self.limit

    def with_keys(self, keys: Sequence[int]) -> list[Any]:
        found = {row[0] if isinstance(row, tuple) else row.pk: row for row in self.again(keys)} if keys else {}
        return [found[key] for key in keys if key in found]


def _found(wanted: _Wanted) -> tuple[list[Any], int, bool]:
    """The rows of a page, how many there are altogether, and whether more follow."""
    found = _window(wanted)
    has_more = len(found) > wanted.limit
    del found[wanted.limit :]
    if not has_more and (found or wanted.offset == 0):
        return found, wanted.offset + len(found), False
    count = wanted.rows.order_by().values("pk")[: wanted.counted].count()
    # The rows themselves decide whether there is more; a count taken a moment later must not contradict them.
    return found, max(count, wanted.end + 1) if has_more else count, has_more


def _found_at_once(wanted: _Wanted) -> tuple[list[Any], int, bool]:
    """The same where no index has the order: every match is looked at anyway, so their keys are the count, too."""
    keys = list(wanted.rows.values_list("pk", flat=True)[: wanted.counted])
    return wanted.with_keys(keys[wanted.offset : wanted.end]), len(keys), len(keys) > wanted.end


def _window(wanted: _Wanted) -> list[Any]:
    """A page and the row after it. Far from the beginning only an index is walked, not the rows that are skipped."""
    if wanted.offset == 0:
        return list(wanted.rows[: wanted.limit + 1])
    return wanted.with_keys(list(wanted.rows.values_list("pk", flat=True)[wanted.offset : wanted.end + 1]))


def promises_exact_count(parameters: Mapping[str, str], *, is_authenticated: bool) -> bool:
    """Whether a query is narrow enough for its count to be promised."""
    if "force_count" in parameters and is_authenticated:
        return True
    if any(parameters.get(name) for name in _ALWAYS_COUNTED):
        return True
    span = _span(parameters)
    if span is None:
        return False
    return span <= _SHORT or (span <= _LONG and any(parameters.get(name) for name in _NARROW))


def _span(parameters: Mapping[str, str]) -> timedelta | None:
    try:
        start, end = (parse_datetime(parameters.get(name, "")) for name in ("start", "end"))
        return None if start is None or end is None else end - start
    except (ValueError, TypeError):
        return None  # the filters say what is wrong with it


def _following(address: str, limit: int, offset: int) -> str:
    return str(replace_query_param(replace_query_param(address, "limit", limit), "offset", offset + limit))


def _previous(address: str, limit: int, offset: int) -> str | None:
    if offset <= 0:
        return None
    address = replace_query_param(address, "limit", limit)
    if offset <= limit:
        return str(remove_query_param(address, "offset"))
    return str(replace_query_param(address, "offset", offset - limit))


def _whole(text: str | None, default: int, *, least: int) -> int:
    try:
        value = int(text or "")
    except ValueError:
        return default
    return value if least <= value < 2**62 else default
