from __future__ import annotations

from django.contrib import admin

from armillary.archive.models import Frame, RightsChange, StoredFile, Thumbnail, Version


@admin.register(Frame)
class FrameAdmin(admin.ModelAdmin[Frame]):
    list_display = ("basename", "observation_date", "proposal_id", "target_name", "instrument_id", "public_date")
    list_filter = ("site_id", "configuration_type", "reduction_level")
    search_fields = ("basename", "target_name", "proposal_id")
    raw_id_fields = ("related_frames",)
    exclude = ("vertices", "cell", "size_class", "center_x", "center_y", "center_z", "cosine_radius", "sine_radius")
    show_full_result_count = False


@admin.register(Version)
class VersionAdmin(admin.ModelAdmin[Version]):
    list_display = ("frame", "extension", "md5", "created")
    search_fields = ("md5", "key")
    raw_id_fields = ("frame", "file")
    show_full_result_count = False


@admin.register(StoredFile)
class StoredFileAdmin(admin.ModelAdmin[StoredFile]):
    list_display = ("path", "size_bytes", "created")
    search_fields = ("path", "key", "md5")
    show_full_result_count = False


@admin.register(Thumbnail)
class ThumbnailAdmin(admin.ModelAdmin[Thumbnail]):
    list_display = ("basename", "frame", "size")
    raw_id_fields = ("frame", "file")
    show_full_result_count = False


@admin.register(RightsChange)
class RightsChangeAdmin(admin.ModelAdmin[RightsChange]):
    list_display = ("frame", "at", "changed_by", "public_date_before", "public_date_after", "reason")
    raw_id_fields = ("frame",)
