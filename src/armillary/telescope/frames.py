"""Frames on disk: FITS, tile-compressed, complete or not there."""

from __future__ import annotations

import os
from pathlib import Path

from astropy.io import fits

from armillary.core.requests.visibility import riseset_target
from armillary.telescope.conditions import Conditions, conditions_at
from armillary.telescope.drivers import CameraImage, Card
from armillary.telescope.headers import (
    Shot,
    header_of,
    identity_cards,
    instrument_cards,
    site_cards,
    target_cards,
    time_cards,
)


def write_frame(path: Path, shot: Shot, image: CameraImage) -> None:
    """Write one raw frame, Rice-compressed (``.fits.fz``) with an empty primary, as fpack makes them.

    The file appears under its name only when it is complete and on the disk.
    """
    header = header_of(frame_cards(shot, image))
    science = fits.CompImageHDU(image.pixels, header, name="SCI", compression_type="RICE_1")
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".part")
    with partial.open("wb") as file:
        fits.HDUList([fits.PrimaryHDU(), science]).writeto(file, checksum=True)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def frame_cards(shot: Shot, image: CameraImage) -> list[Card]:
    """Every card of a frame's header; the driver's replace the agent's of the same keyword."""
    conditions = _conditions(shot)
    cards = [
        *identity_cards(shot),
        *time_cards(shot),
        *site_cards(shot.telescope),
        *target_cards(shot, conditions),
        *instrument_cards(shot),
        *image.cards,
    ]
    return list({card[0]: card for card in cards}.values())


def _conditions(shot: Shot) -> Conditions | None:
    target = shot.action.configuration.target
    if target is None or shot.is_calibration:
        return None
    return conditions_at(riseset_target(target), shot.telescope, shot.middle)
