"""Make ``de421.npz`` from the PyPI package ``de421``: ``python -m armillary.riseset.data.build``.

JPL's Chebyshev coefficients are rounded to a quantum far below their accuracy, and stored as planes of bytes of
zigzag-coded integers, highest order last, which deflate packs well. No coefficient changes by more than half a quantum.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Final

import numpy as np

# Rounding in km. One milliarcsecond is 1.9 m on the Moon and 0.7 km at one astronomical unit.
QUANTUM_KM: Final = {
    "moon": 0.001,
    "earthmoon": 0.02,
    "sun": 0.02,
    "mercury": 0.05,
    "venus": 0.05,
    "mars": 0.05,
    "jupiter": 0.2,
    "saturn": 0.4,
    "uranus": 0.8,
    "neptune": 1.0,
}
FIRST_JD: Final = 2_441_690.5 - 40.0  # 1973-01-07, less a margin
LAST_JD: Final = 2_477_108.5 + 40.0  # 2070-01-01, and a margin
_BYTES: Final = 5


def pack(coefficients: np.ndarray, quantum_km: float) -> np.ndarray:
    """Planes of bytes of an array (interval, axis, order) of coefficients in km."""
    whole = np.rint(coefficients.transpose(2, 1, 0) / quantum_km).astype(np.int64)
    zigzag = ((whole << 1) ^ (whole >> 63)).astype(np.uint64)
    if int(zigzag.max()) >> (8 * _BYTES):
        raise OverflowError("a coefficient needs more bytes: choose a larger quantum.")
    return np.stack([(zigzag >> np.uint64(8 * plane)).astype(np.uint8) for plane in range(_BYTES)])


def packed_ephemeris() -> dict[str, np.ndarray]:
    """The arrays of the packed ephemeris by name; needs the package ``de421``."""
    source = Path(str(files("de421")))
    constants = {name.decode().strip(): float(value) for name, value in np.load(source / "constants.npy")}
    packed: dict[str, np.ndarray] = {"earth_moon_mass_ratio": np.array(constants["EMRAT"])}
    for body, quantum in QUANTUM_KM.items():
        coefficients = np.load(source / f"jpl-{body}.npy")
        days = (constants["jomega"] - constants["jalpha"]) / len(coefficients)
        first = int((FIRST_JD - constants["jalpha"]) // days)
        last = int((LAST_JD - constants["jalpha"]) // days) + 1
        packed[body] = pack(coefficients[first:last], quantum)
        packed[f"{body}_layout"] = np.array([constants["jalpha"] + first * days, days, quantum])
    return packed


if __name__ == "__main__":
    np.savez_compressed(Path(__file__).with_name("de421.npz"), allow_pickle=False, **packed_ephemeris())
