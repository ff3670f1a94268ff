"""Geometry on the sphere, and the index of footprints.

Truth: a point is inside a convex polygon exactly if it is on the inner side of every edge's great circle (the
definition); for the index, brute force over all footprints.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from armillary.archive.sky.index import cell_ranges, index_entries, index_entry
from armillary.archive.sky.polygons import (
    InvalidRegion,
    Polygon,
    angular_distance_deg,
    come_within,
    corners_of_geojson,
    intersects,
    polygon_from_corners,
    unit_vectors,
)
from armillary.archive.sky.resolver import UnknownName, resolve
from armillary.archive.sky.words import cone_around, region_from_text, wire_area

directions = st.tuples(st.floats(0, 360), st.floats(-90, 90))


def _around(ra: float, dec: float, radius_deg: float, corners: int = 4) -> Polygon:
    """A regular polygon, made by turning a direction around the centre."""
    center = unit_vectors(ra, dec)[0]
    other = np.array([0.0, 0.0, 1.0]) if abs(center[2]) < 0.9 else np.array([1.0, 0.0, 0.0])
    east = np.cross(other, center)
    east /= np.linalg.norm(east)
    north = np.cross(center, east)
    radius = math.radians(radius_deg)
    rim = [
        center * math.cos(radius) + (east * math.cos(angle) + north * math.sin(angle)) * math.sin(radius)
        for angle in np.linspace(0, 2 * math.pi, corners, endpoint=False)
    ]
    return polygon_from_corners(
        [(math.degrees(math.atan2(y, x)) % 360, math.degrees(math.asin(max(-1, min(1, z))))) for x, y, z in rim]
    )


@settings(max_examples=200, deadline=None)
@given(directions, st.floats(0.01, 30), st.integers(3, 9), directions)
def test_a_point_is_inside_exactly_if_it_is_on_the_inner_side_of_every_edge(
    center: tuple[float, float], radius_deg: float, corners: int, point: tuple[float, float]
) -> None:
    polygon = _around(*center, radius_deg, corners)
    tested = unit_vectors(*point)
    normals = np.cross(polygon.vertices, np.roll(polygon.vertices, -1, axis=0))
    sides = normals @ tested[0] / np.linalg.norm(normals, axis=1)
    if np.abs(sides).min() < 1e-9:
        return  # on an edge, where rounding decides
    assert polygon.contains(tested)[0] == bool((sides > 0).all())


@settings(max_examples=200, deadline=None)
@given(directions, st.floats(0.01, 10), directions, st.floats(0.01, 10))
def test_touching_is_mutual_and_follows_from_the_distance(
    first: tuple[float, float], first_deg: float, second: tuple[float, float], second_deg: float
) -> None:
    one, other = _around(*first, first_deg, 12), _around(*second, second_deg, 12)
    apart = math.degrees(2 * math.asin(min(1.0, float(np.linalg.norm(one.center - other.center)) / 2)))
    inner = math.cos(math.pi / 12)  # a regular polygon holds a circle of about this part of its radius
    assert one.intersects(other) == other.intersects(one)
    if apart < (first_deg + second_deg) * inner * 0.98:
        assert one.intersects(other)
    if apart > first_deg + second_deg + 1e-6:
        assert not one.intersects(other)


@settings(max_examples=100, deadline=None)
@given(directions, st.floats(0.01, 5), directions)
def test_the_distance_of_a_point_is_zero_inside_and_bounded_by_the_circle_outside(
    center: tuple[float, float], radius_deg: float, point: tuple[float, float]
) -> None:
    polygon = _around(*center, radius_deg, 6)
    direction = unit_vectors(*point)[0]
    distance = angular_distance_deg(polygon.vertices[np.newaxis], polygon.center[np.newaxis], direction)[0]
    apart = math.degrees(2 * math.asin(min(1.0, float(np.linalg.norm(polygon.center - direction)) / 2)))
    assert max(0.0, apart - radius_deg) - 1e-6 <= distance <= apart + 1e-6
    assert (distance == 0) == polygon.contains(direction[np.newaxis])[0]


@settings(max_examples=100, deadline=None)
@given(directions, st.floats(0.01, 30), directions, st.floats(0, 90))
def test_a_polygon_comes_within_an_angle_exactly_if_its_distance_is_no_larger(
    center: tuple[float, float], size_deg: float, point: tuple[float, float], radius_deg: float
) -> None:
    vertices, direction = _around(*center, size_deg).vertices[np.newaxis], unit_vectors(*point)[0]
    centers = vertices.sum(axis=1) / np.linalg.norm(vertices.sum(axis=1))
    distance = angular_distance_deg(vertices, centers, direction)[0]
    if abs(distance - radius_deg) > 1e-9:  # else rounding decides
        assert come_within(vertices, direction, radius_deg)[0] == (distance < radius_deg)


@settings(max_examples=60, deadline=None)
@given(directions, st.floats(0.0005, 60), st.lists(st.tuples(directions, st.floats(0.01, 8)), min_size=1, max_size=12))
def test_the_index_never_misses_a_footprint_within_the_cone(
    place: tuple[float, float], radius_deg: float, footprints: list[tuple[tuple[float, float], float]]
) -> None:
    cone = cone_around(*place, radius_deg)
    ranges = cell_ranges(*(float(part) for part in cone.direction), radius_deg)
    for center, size_deg in footprints:
        polygon = _around(*center, size_deg)
        entry = index_entry(polygon)
        distance = angular_distance_deg(polygon.vertices[np.newaxis], polygon.center[np.newaxis], cone.direction)[0]
        is_candidate = any(
            found.size_class == entry.size_class and found.first <= entry.cell <= found.last for found in ranges
        )
        assert is_candidate or distance > radius_deg


def test_many_footprints_at_once_are_filed_where_each_would_be() -> None:
    radii_deg = (0.05, 0.14, 0.16, 0.59, 0.61, 2.6, 40.0)
    places = [(0.0, 90.0), (359.9, -0.1), (0.0, 0.0), (123.0, -12.0), (270.0, -89.9), (180.0, 45.0), (45.0, 41.8)]
    polygons = [_around(*place, radius_deg) for place, radius_deg in zip(places, radii_deg, strict=True)]
    centers = np.array([polygon.center for polygon in polygons])
    entries = list(index_entries(centers, np.array([polygon.cosine_radius for polygon in polygons])))
    assert entries == [index_entry(polygon) for polygon in polygons]
    assert [entry.size_class for entry in entries] == [0, 0, 1, 1, 2, 3, 3]


def test_a_crossing_without_a_corner_inside_is_an_intersection() -> None:
    tall = polygon_from_corners([(9.9, -5), (10.1, -5), (10.1, 5), (9.9, 5)])
    wide = polygon_from_corners([(5, -0.1), (15, -0.1), (15, 0.1), (5, 0.1)])
    assert intersects(tall.vertices[np.newaxis], tall.center[np.newaxis], wide)[0]


def test_a_polygon_over_the_pole_contains_it() -> None:
    polygon = polygon_from_corners([(0, 85), (90, 85), (180, 85), (270, 85)])
    assert polygon.contains(unit_vectors([0, 123, 0], [90, 89, -90])).tolist() == [True, True, False]


@pytest.mark.parametrize(
    ("corners", "text"),
    [
        ([(0, 0), (1, 1)], "between 3 and"),
        ([(0, 0), (2, 2), (0, 2), (2, 0)], "crosses itself"),
        ([(0, 0), (120, 0), (240, 0)], "hemisphere"),
        ([(0, 0), (1, 91), (2, 0)], "is not a right ascension"),
        ([(0, 0), (float("nan"), 1), (2, 0)], "is not a right ascension"),
    ],
)
def test_a_polygon_that_makes_no_sense_is_refused(corners: list[tuple[float, float]], text: str) -> None:
    with pytest.raises(InvalidRegion, match=text):
        polygon_from_corners(corners)


_keys = st.sampled_from(["type", "coordinates", "x"])
_leaves = st.none() | st.booleans() | st.floats() | st.text()


@given(st.recursive(_leaves, lambda inner: st.lists(inner) | st.dictionaries(_keys, inner), max_leaves=8))
def test_anything_that_is_not_geojson_is_refused_politely(area: object) -> None:
    with pytest.raises(InvalidRegion):
        corners_of_geojson(area)


@given(st.text(max_size=80))
def test_any_text_is_a_region_or_refused_politely(text: str) -> None:
    with pytest.raises(InvalidRegion):
        region_from_text(text + "!")


def test_areas_are_shown_like_geographic_longitudes() -> None:
    assert wire_area({"type": "Polygon", "coordinates": [[[265.26, 1.0], [180.0, 2.0]]]}) == {
        "type": "Polygon", "coordinates": [[[-94.74, 1.0], [180.0, 2.0]]],
    }  # fmt: skip


@pytest.mark.parametrize(
    # SIMBAD, ICRS J2000, rounded to arcminutes.
    ("name", "ra_deg", "dec_deg"),
    [("M31", 10.68, 41.27), ("messier 57", 283.40, 33.03), ("NGC 5139", 201.70, -47.48), ("vega", 279.23, 38.78)],
)
def test_names_are_resolved_without_a_network(name: str, ra_deg: float, dec_deg: float) -> None:
    place = resolve(name)
    assert (place.ra_deg, place.dec_deg) == (pytest.approx(ra_deg, abs=0.03), pytest.approx(dec_deg, abs=0.03))


@given(st.text(max_size=30).filter(lambda text: not any(character.isdigit() for character in text)))
def test_unknown_names_are_said_to_be_unknown(name: str) -> None:
    with pytest.raises(UnknownName):
        resolve(name + "?!")
