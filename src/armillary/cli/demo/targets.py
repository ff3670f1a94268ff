"""Real objects for the demonstration, ICRS degrees (SIMBAD, rounded to about an arcsecond)."""

from __future__ import annotations

from typing import Final, NamedTuple


class SkyObject(NamedTuple):
    """A named place on the sky."""

    name: str
    ra_deg: float
    dec_deg: float


# Landolt's equatorial standards: some of them are up from any inhabited latitude on any night.
STANDARD_STARS: Final = (
    SkyObject("SA 92-249", 13.6388, 0.6764),
    SkyObject("SA 95-193", 58.3358, 0.2764),
    SkyObject("SA 98-978", 102.8917, -0.1911),
    SkyObject("PG0918+029", 140.3675, 2.7672),
    SkyObject("SA 101-413", 149.0583, -0.1983),
    SkyObject("SA 104-461", 190.7750, -0.5383),
    SkyObject("SA 107-1006", 234.6388, 0.2386),
    SkyObject("SA 110-230", 280.2167, 0.0397),
    SkyObject("SA 113-339", 325.2317, 0.4667),
)

PLANETARY_NEBULAE: Final = (
    SkyObject("NGC 1535", 63.5656, -12.7394),
    SkyObject("NGC 2392", 112.2949, 20.9118),
    SkyObject("NGC 2440", 115.4810, -18.2086),
    SkyObject("NGC 3242", 156.1921, -18.6423),
    SkyObject("NGC 5882", 229.2083, -45.6497),
    SkyObject("NGC 6543", 269.6392, 66.6332),
    SkyObject("M57", 283.3963, 33.0292),
    SkyObject("M27", 299.9016, 22.7212),
    SkyObject("NGC 7009", 316.0450, -11.3634),
    SkyObject("NGC 7662", 351.4742, 42.5350),
)

VARIABLE_STARS: Final = (
    SkyObject("X Ari", 47.1287, 10.4459),
    SkyObject("VW Hyi", 62.2979, -71.2951),
    SkyObject("U Gem", 118.7717, 22.0014),
    SkyObject("R Leo", 146.8895, 11.4288),
    SkyObject("RR Lyr", 291.3663, 42.7844),
    SkyObject("delta Cep", 337.2929, 58.4152),
    SkyObject("CY Aqr", 339.4462, 1.5344),
    SkyObject("DY Peg", 347.2133, 17.2128),
)

SPECTROPHOTOMETRIC_STARS: Final = (
    SkyObject("HR 1544", 72.6530, 8.9002),
    SkyObject("GD 71", 88.1151, 15.8863),
    SkyObject("Feige 34", 159.9034, 43.1025),
    SkyObject("GD 153", 194.2597, 22.0313),
    SkyObject("EG 274", 245.8908, -39.2294),
    SkyObject("LTT 7379", 279.1104, -44.3098),
    SkyObject("BD+28 4211", 327.7959, 28.8639),
    SkyObject("Feige 110", 349.9934, -5.1656),
)

GALAXIES: Final = (
    SkyObject("M31", 10.6847, 41.2688),
    SkyObject("M33", 23.4621, 30.6599),
    SkyObject("NGC 253", 11.8881, -25.2888),
    SkyObject("M81", 148.8882, 69.0653),
    SkyObject("NGC 3115", 151.3080, -7.7186),
    SkyObject("M104", 189.9976, -11.6231),
    SkyObject("M51", 202.4696, 47.1952),
    SkyObject("M83", 204.2538, -29.8658),
    SkyObject("NGC 6946", 308.7180, 60.1539),
    SkyObject("NGC 7331", 339.2671, 34.4157),
)

NORTHERNMOST: Final = SkyObject("Polaris", 37.9546, 89.2641)
SOUTHERNMOST: Final = SkyObject("sigma Octantis", 317.1952, -88.9565)
