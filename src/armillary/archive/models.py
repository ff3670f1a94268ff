from __future__ import annotations

from django.db import models

from armillary.core.frames import THUMBNAIL_SIZES


class StoredFile(models.Model):
    """Bytes in the file store. They never change: other bytes are another stored file."""

    key = models.CharField(max_length=32, unique=True, help_text="names the file on the wire; never reused")
    path = models.CharField(
        max_length=1500, unique=True, help_text="where the bytes are in the store; never recomputed"
    )
    extension = models.CharField(max_length=64, blank=True)
    size_bytes = models.BigIntegerField()
    md5 = models.CharField(max_length=32, db_index=True)
    sha256 = models.CharField(max_length=64)
    created = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name = "stored file"

    def __str__(self) -> str:
        return self.path


class Frame(models.Model):
    """A data product. Without an observation date it is a stub: a name that another frame referred to."""

    basename = models.CharField(max_length=1000, unique=True)
    observation_date = models.DateTimeField(null=True, blank=True)
    observation_day = models.DateField(null=True, blank=True, db_index=True, help_text="the night")
    proposal_id = models.CharField(max_length=200, blank=True)
    instrument_id = models.CharField(max_length=64, blank=True)
    target_name = models.CharField(max_length=200, blank=True)
    reduction_level = models.SmallIntegerField(default=0, help_text="0 is raw")
    site_id = models.CharField(max_length=16, blank=True)
    telescope_id = models.CharField(max_length=16, blank=True)
    exposure_time = models.FloatField(null=True, blank=True, help_text="seconds")
    primary_optical_element = models.CharField(max_length=100, blank=True)
    public_date = models.DateTimeField(null=True, blank=True, db_index=True)
    configuration_type = models.CharField(max_length=20, blank=True)
    observation_id = models.BigIntegerField(null=True, blank=True, db_index=True)
    request_id = models.BigIntegerField(null=True, blank=True, db_index=True)
    has_versions = models.BooleanField(default=False, help_text="only frames with data are listed")

    # The footprint: as it was given, and as it is searched (see the package sky)
    area = models.JSONField(null=True, blank=True, help_text="GeoJSON polygon, degrees")
    vertices = models.BinaryField(null=True, help_text="corners as unit vectors: little-endian doubles x, y, z")
    cell = models.BigIntegerField(null=True)
    size_class = models.SmallIntegerField(null=True)
    center_x = models.FloatField(null=True)
    center_y = models.FloatField(null=True)
    center_z = models.FloatField(null=True)
    cosine_radius = models.FloatField(null=True)
    sine_radius = models.FloatField(null=True)

    related_frames = models.ManyToManyField("self", symmetrical=True, blank=True)
    created = models.DateTimeField()
    modified = models.DateTimeField()

    class Meta:
        ordering = ("-observation_date", "-id")
        indexes = (
            # Everything that decides whether somebody sees a frame, so that far pages and counts read only the index.
            models.Index(
                fields=["-observation_date", "-id", "has_versions", "public_date", "proposal_id"], name="archive_listed"
            ),
            models.Index(fields=["proposal_id", "-observation_date"], name="archive_by_proposal"),
            models.Index(fields=["target_name", "-observation_date"], name="archive_by_target"),
            models.Index(fields=["instrument_id", "-observation_date"], name="archive_by_instrument"),
            models.Index(fields=["site_id", "telescope_id", "-observation_date"], name="archive_by_telescope"),
            models.Index(fields=["size_class", "cell"], name="archive_by_sky"),
        )

    def __str__(self) -> str:
        return self.basename


class Version(models.Model):
    """One content of a frame. A frame that is taken in again with other content gets a further version."""

    frame = models.ForeignKey(Frame, on_delete=models.CASCADE)
    file = models.OneToOneField(
        StoredFile, on_delete=models.PROTECT, null=True, blank=True, help_text="empty: the bytes are not kept here"
    )
    key = models.CharField(max_length=32, unique=True)
    md5 = models.CharField(max_length=32, unique=True)
    extension = models.CharField(max_length=64, blank=True)
    created = models.DateTimeField()

    class Meta:
        ordering = ("-created", "-id")

    def __str__(self) -> str:
        return f"{self.frame_id}{self.extension} {self.md5}"


class Headers(models.Model):
    """The header of a frame."""

    frame = models.OneToOneField(Frame, on_delete=models.CASCADE)
    data = models.JSONField(default=dict)

    class Meta:
        verbose_name_plural = "headers"

    def __str__(self) -> str:
        return f"header of frame {self.frame_id}"


class SearchableWord(models.Model):
    """A header keyword that the observatory wants to search by."""

    frame = models.ForeignKey(Frame, on_delete=models.CASCADE)
    keyword = models.CharField(max_length=80)
    number = models.FloatField(null=True)
    text = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["frame", "keyword"], name="archive_word_once"),)
        indexes = (
            models.Index(fields=["keyword", "number"], name="archive_by_number"),
            models.Index(fields=["keyword", "text"], name="archive_by_text"),
        )

    def __str__(self) -> str:
        return f"{self.keyword} = {self.text or self.number}"


class OccurringValue(models.Model):
    """Something that people can choose frames by, among the frames of one proposal."""

    column = models.CharField(max_length=40, help_text="the frame's column: site_id, proposal_id, ...")
    value = models.CharField(max_length=200)
    proposal_id = models.CharField(max_length=200, blank=True)
    public_from = models.DateTimeField(null=True, help_text="when the first frame with it becomes public; empty: never")

    class Meta:
        constraints = (models.UniqueConstraint(fields=["proposal_id", "value", "column"], name="archive_occurs_once"),)

    def __str__(self) -> str:
        return f"{self.column}={self.value} in {self.proposal_id}"


class Thumbnail(models.Model):
    """A small picture of a frame."""

    frame = models.ForeignKey(Frame, on_delete=models.CASCADE, related_name="thumbnails")
    file = models.OneToOneField(StoredFile, on_delete=models.PROTECT, null=True, blank=True)
    size = models.CharField(max_length=20, choices=[(size, size) for size in THUMBNAIL_SIZES])
    basename = models.CharField(max_length=1000, unique=True)
    extension = models.CharField(max_length=20)
    key = models.CharField(max_length=32)

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return self.basename


class Announced(models.Model):
    """How far a listener (a broker's exchange, a webhook) has been told about archived frames."""

    exchange = models.CharField(max_length=500, unique=True)
    cursor = models.CharField(max_length=64, help_text="the last line of the change feed that was handed over")

    class Meta:
        verbose_name_plural = "announced"

    def __str__(self) -> str:
        return f"{self.exchange} up to {self.cursor}"


class RightsChange(models.Model):
    """Somebody changed when a frame becomes public, or whose it is."""

    frame = models.ForeignKey(Frame, on_delete=models.CASCADE, related_name="rights_changes")
    changed_by = models.CharField(max_length=150)
    at = models.DateTimeField()
    public_date_before = models.DateTimeField(null=True)
    public_date_after = models.DateTimeField(null=True)
    proposal_before = models.CharField(max_length=200, blank=True)
    proposal_after = models.CharField(max_length=200, blank=True)
    reason = models.TextField(blank=True)

    class Meta:
        ordering = ("-at", "-id")

    def __str__(self) -> str:
        return f"{self.frame_id} by {self.changed_by}"
