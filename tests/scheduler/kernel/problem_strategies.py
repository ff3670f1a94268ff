"""Problems for hypothesis: whole seconds, every rule of the kernel."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st

from armillary.scheduler.kernel import (
    Allocation,
    Entry,
    Fixed,
    Group,
    GroupKind,
    Problem,
    Reservation,
    Resource,
    Spacing,
    Windows,
)

HORIZON_S = 60
SETUPS = ("red", "blue")


@st.composite
def spans(draw: st.DrawFn, most: int) -> list[tuple[float, float]]:
    """Sorted, disjoint spans within the horizon."""
    ends = sorted(draw(st.lists(st.integers(0, HORIZON_S), min_size=2, max_size=2 * most, unique=True)))
    return [(float(a), float(b)) for a, b in zip(ends[::2], ends[1::2], strict=False)]


@st.composite
def resources(draw: st.DrawFn, longest_change_s: int) -> list[Resource]:
    made = []
    seconds = st.integers(0, longest_change_s).map(float)
    for number in range(draw(st.integers(1, 2))):
        changes = draw(st.dictionaries(st.sampled_from([SETUPS, SETUPS[::-1]]), seconds))
        made.append(Resource(f"tel{number}", draw(spans(2)), float(draw(st.integers(0, 3))), changes))
    return made


@st.composite
def groups(draw: st.DrawFn, count: int) -> list[Group]:
    made: list[Group] = []
    member = 0
    while member < count:
        kind = draw(st.sampled_from(GroupKind))
        size = 1 if kind is GroupKind.SINGLE else draw(st.integers(1, 3))
        made.append(Group(f"g{len(made)}", kind, tuple(range(member, min(count, member + size)))))
        member += size
    return made


@st.composite
def spacings(draw: st.DrawFn, count: int) -> list[Spacing]:
    if count < 2:
        return []
    made = []
    for _ in range(draw(st.integers(0, 2))):
        first = draw(st.integers(0, count - 2))
        low = draw(st.integers(0, 20))
        high = draw(st.one_of(st.just(float("inf")), st.integers(low, 40).map(float)))
        made.append(
            Spacing(first, draw(st.integers(first + 1, count - 1)), float(low), high, ordered=draw(st.booleans()))
        )
    return made


@st.composite
def problems(draw: st.DrawFn, *, most: int, spaced: bool = False, longest_change_s: int = 4) -> Problem:
    """A problem of at most so many reservations, with or without distance rules."""
    places = draw(resources(longest_change_s))
    count = draw(st.integers(1, most))
    allocations = draw(st.lists(st.integers(5, 40), max_size=1))
    rows = [
        Reservation(
            id=index,
            duration_s=float(draw(st.integers(1, 20))),
            value=float(draw(st.integers(1, 30))),
            setup=draw(st.sampled_from(SETUPS)),
            charges={"hours": float(draw(st.integers(0, 15)))} if allocations and draw(st.booleans()) else {},
            party=draw(st.sampled_from(["P", "Q"])),
        )
        for index in range(count)
    ]
    windows = [{place.id: draw(spans(2)) for place in places if draw(st.integers(0, 4))} for _ in rows]
    return Problem(
        resources=places,
        reservations=rows,
        windows=Windows.from_mappings(windows, places),
        groups=draw(groups(count)) if draw(st.booleans()) else [],
        fixed=draw(fixed(places)),
        allocations=[Allocation("hours", float(limit)) for limit in allocations],
        spacings=draw(spacings(count)) if spaced else [],
        published=draw(published(places, count)),
    )


@st.composite
def fixed(draw: st.DrawFn, places: Sequence[Resource]) -> list[Fixed]:
    if draw(st.booleans()):
        return []
    start = draw(st.integers(0, HORIZON_S - 10))
    end = start + draw(st.integers(1, 10))
    return [Fixed(draw(st.sampled_from(places)).id, float(start), float(end), draw(st.sampled_from(SETUPS)))]


@st.composite
def published(draw: st.DrawFn, places: Sequence[Resource], count: int) -> list[Entry]:
    """Anything: nobody says that the plan in force is still valid, or ever was."""
    names = draw(st.lists(st.integers(0, count), max_size=3))
    return [Entry(name, draw(st.sampled_from(places)).id, float(draw(st.integers(0, HORIZON_S)))) for name in names]
