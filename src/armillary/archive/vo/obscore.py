"""Frames in the words of ObsCore 1.1, the Virtual Observatory's data model of observations."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from armillary.archive.vo.votable import Column

FRAME_COLUMNS: Final = (
    "id", "basename", "observation_date", "proposal_id", "instrument_id", "target_name", "reduction_level", "site_id",
    "telescope_id", "exposure_time", "primary_optical_element", "public_date", "configuration_type", "area",
    "center_x", "center_y", "center_z", "cosine_radius",
)  # fmt: skip
"""What of a frame is needed to describe it."""

_EPOCH: Final = datetime(1858, 11, 17, tzinfo=UTC)
_SPECTRA: Final = frozenset({"SPECTRUM", "ARC", "LAMPFLAT", "LAMP_FLAT", "DOUBLE", "TARGET", "NRES_SPECTRUM"})
_MAIN: Final = ";meta.main"
_ANGSTROM_M: Final = 1e-10

# Effective wavelengths and widths in angstroms. Sources: Bessell (1990, PASP 102, 1181) for UBVRI, Fukugita et al.
# (1996, AJ 111, 1748) for the five filters of the Sloan survey.
_BANDS_ANGSTROM: Final = {
    "U": (3663, 650), "B": (4361, 890), "V": (5448, 840), "R": (6407, 1580), "I": (7980, 1540),
    "u": (3557, 599), "g": (4825, 1379), "r": (6261, 1382), "i": (7672, 1535), "z": (9097, 1370),
}  # fmt: skip
_FILTER_NAMES: Final = {band: (band, f"{band}p", f"{band}'") for band in "ugriz"} | {band: (band,) for band in "UBVRI"}
BANDS_M: Final = {
    name: ((middle - width / 2) * _ANGSTROM_M, (middle + width / 2) * _ANGSTROM_M)
    for band, (middle, width) in _BANDS_ANGSTROM.items()
    for name in _FILTER_NAMES[band]
}
"""Shortest and longest wavelength in metres, by the name of a filter."""

_COVERAGE: Final = "obscore:Char.SpatialAxis.Coverage"
COLUMNS: Final = (
    Column("dataproduct_type", "char", "meta.code.class", utype="obscore:ObsDataset.dataProductType"),
    Column("calib_level", "int", "meta.code;obs.calib", utype="obscore:ObsDataset.calibLevel"),
    Column("obs_collection", "char", "meta.id", utype="obscore:DataID.collection"),
    Column("obs_id", "char", "meta.id", utype="obscore:DataID.observationID"),
    Column("obs_publisher_did", "char", "meta.ref.ivoid", utype="obscore:Curation.publisherDID"),
    Column("access_url", "char", "meta.ref.url", utype="obscore:Access.reference"),
    Column("access_format", "char", "meta.code.mime", utype="obscore:Access.format"),
    Column("access_estsize", "long", "phys.size;meta.file", "kbyte", "obscore:Access.size"),
    Column("target_name", "char", "meta.id;src", utype="obscore:Target.name"),
    Column("s_ra", "double", "pos.eq.ra", "deg", f"{_COVERAGE}.Location.Coord.Position2D.C1"),
    Column("s_dec", "double", "pos.eq.dec", "deg", f"{_COVERAGE}.Location.Coord.Position2D.C2"),
    Column("s_fov", "double", "phys.angSize;instr.fov", "deg", f"{_COVERAGE}.Bounds.Extent.diameter"),
    Column("s_region", "char", "pos.outline;obs.field", "deg", f"{_COVERAGE}.Support.Area", "adql:REGION"),
    Column("s_xel1", "long", "meta.number", utype="obscore:Char.SpatialAxis.numBins1"),
    Column("s_xel2", "long", "meta.number", utype="obscore:Char.SpatialAxis.numBins2"),
    Column("s_resolution", "double", "pos.angResolution", "arcsec", "obscore:Char.SpatialAxis.Resolution.Refval.value"),
    Column("t_min", "double", "time.start;obs.exposure", "d", "obscore:Char.TimeAxis.Coverage.Bounds.Limits.StartTime"),
    Column("t_max", "double", "time.end;obs.exposure", "d", "obscore:Char.TimeAxis.Coverage.Bounds.Limits.StopTime"),
    Column("t_exptime", "double", "time.duration;obs.exposure", "s", "obscore:Char.TimeAxis.Coverage.Support.Extent"),
    Column("t_resolution", "double", "time.resolution", "s", "obscore:Char.TimeAxis.Resolution.Refval.value"),
    Column("t_xel", "long", "meta.number", utype="obscore:Char.TimeAxis.numBins"),
    Column("em_min", "double", "em.wl;stat.min", "m", "obscore:Char.SpectralAxis.Coverage.Bounds.Limits.LoLimit"),
    Column("em_max", "double", "em.wl;stat.max", "m", "obscore:Char.SpectralAxis.Coverage.Bounds.Limits.HiLimit"),
    Column("em_res_power", "double", "spect.resolution", "",
           "obscore:Char.SpectralAxis.Resolution.ResolPower.refVal"),
    Column("em_xel", "long", "meta.number", utype="obscore:Char.SpectralAxis.numBins"),
    Column("o_ucd", "char", "meta.ucd", utype="obscore:Char.ObservableAxis.ucd"),
    Column("pol_states", "char", "meta.code;phys.polarization", utype="obscore:Char.PolarizationAxis.stateList"),
    Column("pol_xel", "long", "meta.number", utype="obscore:Char.PolarizationAxis.numBins"),
    Column("facility_name", "char", "meta.id;instr.tel", utype="obscore:Provenance.ObsConfig.Facility.name"),
    Column("instrument_name", "char", "meta.id;instr", utype="obscore:Provenance.ObsConfig.Instrument.name"),
    Column("obs_release_date", "char", "time.release", "", "obscore:Curation.releaseDate", "timestamp"),
    Column("proposal_id", "char", "meta.id;obs.proposal", utype="obscore:Provenance.Proposal.identifier"),
)  # fmt: skip

CONE_COLUMNS: Final = tuple(
    Column(column.name, column.datatype, column.ucd + _MAIN, column.unit, column.utype, column.xtype)
    if column.name in {"s_ra", "s_dec"}
    else Column("obs_publisher_did", "char", "meta.id" + _MAIN) if column.name == "obs_publisher_did"
    else column
    for column in COLUMNS
)  # fmt: skip
"""The same columns, marked as a simple cone search wants them."""


def described(frame: Mapping[str, Any], file: Mapping[str, Any], *, authority: str) -> dict[str, Any]:
    """A frame as a row.

    Args:
        frame: Its :data:`FRAME_COLUMNS`.
        file: ``url``, ``content_type`` and ``size_bytes`` of its newest version.
        authority: Who publishes it: the archive's host.
    """
    band = BANDS_M.get(frame["primary_optical_element"], (None, None))
    size_bytes = file.get("size_bytes")
    is_spectrum = frame["configuration_type"] in _SPECTRA
    return {
        "dataproduct_type": "spectrum" if is_spectrum else "image",
        "calib_level": 1 if frame["reduction_level"] <= 0 else 2,
        "obs_collection": authority,
        "obs_id": frame["basename"],
        "obs_publisher_did": identifier(frame["basename"], authority),
        "access_url": file.get("url"),
        "access_format": file.get("content_type"),
        "access_estsize": None if size_bytes is None else math.ceil(size_bytes / 1000),
        "target_name": frame["target_name"],
        "em_min": band[0],
        "em_max": band[1],
        "o_ucd": "phot.count",
        "facility_name": f"{frame['site_id']} {frame['telescope_id']}".strip(),
        "instrument_name": frame["instrument_id"],
        "obs_release_date": _iso(frame["public_date"]),
        "proposal_id": frame["proposal_id"],
        **_when(frame),
        **_where(frame),
    }


def identifier(basename: str, authority: str) -> str:
    """The name of a frame in the Virtual Observatory."""
    return f"ivo://{authority}/archive?{basename}"


def modified_julian_date(moment: datetime) -> float:
    """Days since 1858-11-17 (UTC)."""
    return (moment - _EPOCH).total_seconds() / 86400


def _when(frame: Mapping[str, Any]) -> dict[str, Any]:
    start, exposure_s = modified_julian_date(frame["observation_date"]), frame["exposure_time"]
    return {"t_min": start, "t_max": start + (exposure_s or 0.0) / 86400, "t_exptime": exposure_s}


def _where(frame: Mapping[str, Any]) -> dict[str, Any]:
    if frame["area"] is None or frame["center_x"] is None:
        return {}
    x, y, z = frame["center_x"], frame["center_y"], frame["center_z"]
    corners = [f"{ra % 360:.7f} {dec:.7f}" for ra, dec in frame["area"]["coordinates"][0][:-1]]
    return {
        "s_ra": math.degrees(math.atan2(y, x)) % 360,
        "s_dec": math.degrees(math.atan2(z, math.hypot(x, y))),
        "s_fov": 2 * math.degrees(math.acos(min(1.0, frame["cosine_radius"]))),
        "s_region": f"POLYGON ICRS {' '.join(corners)}",
    }


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")
