from __future__ import annotations

from django.db import models

from armillary.configdb.models.resource import RecordedHistory, Resource
from armillary.configdb.models.validators import NOT_NEGATIVE, between, validate_code, validate_time_zone


class Site(Resource):
    """A place on Earth with enclosures."""

    active = models.BooleanField(default=True, help_text="Whether the site may take observations")
    code = models.CharField(max_length=3, unique=True, validators=[validate_code])
    name = models.CharField(max_length=200, default="", blank=True)
    lat = models.FloatField("latitude", default=0.0, validators=between(-90, 90), help_text="Degrees, north positive")
    long = models.FloatField(
        "longitude", default=0.0, validators=between(-180, 180), help_text="Degrees, east positive"
    )
    elevation = models.IntegerField(validators=between(-500, 100_000), help_text="Metres above the sea")
    timezone = models.IntegerField(
        validators=between(-12, 14), help_text="Standard time minus UTC, in whole hours; `tz` knows it exactly"
    )
    tz = models.CharField(
        max_length=64, default="Etc/UTC", validators=[validate_time_zone], help_text="IANA time zone name"
    )
    restart = models.TimeField(default="00:00:00", help_text="Daily restart of the site's computers, UTC")

    history = RecordedHistory()

    class Meta:
        ordering = ("code",)

    def __str__(self) -> str:
        return self.code


class Enclosure(Resource):
    """A dome or a roof with telescopes under it."""

    active = models.BooleanField(default=True, help_text="Whether its telescopes may take observations")
    code = models.CharField(max_length=200, validators=[validate_code])
    name = models.CharField(max_length=200, default="", blank=True)
    site = models.ForeignKey(Site, on_delete=models.PROTECT)

    history = RecordedHistory()

    class Meta:
        ordering = ("id",)
        constraints = [models.UniqueConstraint(fields=["site", "code"], name="configdb_enclosure_code_at_site")]

    def __str__(self) -> str:
        return f"{self.site}.{self.code}"


class Telescope(Resource):
    """A telescope, where it can point, and how long moving it takes."""

    active = models.BooleanField(default=True, help_text="Whether it may take observations")
    code = models.CharField(max_length=200, validators=[validate_code])
    name = models.CharField(max_length=200, default="", blank=True)
    serial_number = models.CharField(max_length=50, default="", blank=True)
    telescope_front_padding = models.FloatField(
        default=90.0, validators=NOT_NEGATIVE, help_text="Seconds; kept for the wire, nothing reads it"
    )
    slew_rate = models.FloatField(
        default=0.0, validators=NOT_NEGATIVE, help_text="Seconds per arcsecond between targets of one observation"
    )
    minimum_slew_overhead = models.FloatField(default=0.0, validators=NOT_NEGATIVE, help_text="Seconds")
    maximum_slew_overhead = models.FloatField(
        null=True,
        blank=True,
        validators=NOT_NEGATIVE,
        help_text="Seconds; no slew is counted longer than this. Without it, slews are not counted at all",
    )
    instrument_change_overhead = models.FloatField(default=0.0, validators=NOT_NEGATIVE, help_text="Seconds")
    lat = models.FloatField("latitude", validators=between(-90, 90), help_text="Degrees, north positive")
    long = models.FloatField("longitude", validators=between(-180, 180), help_text="Degrees, east positive")
    horizon = models.FloatField(validators=between(0, 90), help_text="Lowest altitude, degrees")
    aperture = models.FloatField(
        default=0.0, validators=NOT_NEGATIVE, help_text="Metres; gives the telescope class, 1.0 m is 1m0"
    )
    ha_limit_neg = models.FloatField(
        "eastern hour angle limit", validators=between(-12, 0), help_text="Hours, negative: before the meridian"
    )
    ha_limit_pos = models.FloatField(
        "western hour angle limit", validators=between(0, 12), help_text="Hours, positive: after the meridian"
    )
    zenith_blind_spot = models.FloatField(
        default=0.0, validators=between(0, 180), help_text="Radius about the zenith that is out of reach, degrees"
    )
    enclosure = models.ForeignKey(Enclosure, on_delete=models.PROTECT)

    history = RecordedHistory()

    class Meta:
        ordering = ("id",)
        constraints = [
            models.UniqueConstraint(fields=["enclosure", "code"], name="configdb_telescope_code_in_enclosure")
        ]

    def __str__(self) -> str:
        return f"{self.enclosure}.{self.code}"
