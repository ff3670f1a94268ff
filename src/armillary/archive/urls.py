from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from armillary.accounts.authentication import ChallengingAuthentication
from armillary.archive.api.access import sees_change
from armillary.archive.api.aggregate import Aggregate
from armillary.archive.api.downloads import Catalogue, Funpack, ZipDownload
from armillary.archive.api.files import FileUpload, download
from armillary.archive.api.frames import FrameDetail, FrameHeaders, FrameList, FrameRights, RelatedFrames
from armillary.archive.api.previews import PreviewLink, preview
from armillary.archive.api.s3 import put_object
from armillary.archive.api.service import HealthView, ProfileView, robots
from armillary.archive.api.thumbnails import ThumbnailDetail, ThumbnailList
from armillary.archive.api.versions import VersionDetail, VersionList
from armillary.archive.api.vo import Availability, Capabilities, ConeSearch, DataLinks, ImageSearch
from armillary.platform.streams import event_stream

_resources: list[URLPattern | URLResolver] = [
    path("frames/", FrameList.as_view(), name="archive-frames"),
    path("frames/aggregate/", Aggregate.as_view(), name="archive-aggregate"),
    path("frames/zip/", ZipDownload.as_view(), name="archive-zip"),
    path("frames/<int:key>/", FrameDetail.as_view(), name="archive-frame"),
    path("frames/<int:key>/headers/", FrameHeaders.as_view(), name="archive-headers"),
    path("frames/<int:key>/rights/", FrameRights.as_view(), name="archive-rights"),
    path("frames/<int:key>/related/", RelatedFrames.as_view(), name="archive-related"),
    path("versions/", VersionList.as_view(), name="archive-versions"),
    path("versions/<int:key>/", VersionDetail.as_view(), name="archive-version"),
    path("thumbnails/", ThumbnailList.as_view(), name="archive-thumbnails"),
    path("thumbnails/<int:key>/", ThumbnailDetail.as_view(), name="archive-thumbnail"),
    path("frame-funpack/<int:key>/funpack/", Funpack.as_view(), name="archive-funpack"),
    path("frame-catalog/<int:key>/catalog/", Catalogue.as_view(), name="archive-catalog"),
]
urlpatterns: list[URLPattern | URLResolver] = [
    *_resources,
    path("files/<str:key>/<str:name>", download, name="archive-file"),
    path("store/<path:place>", FileUpload.as_view(), name="archive-store"),
    path("s3/<str:bucket>/<path:place>", put_object, name="archive-s3"),
    path("vo/sia2/query", ImageSearch.as_view(), name="archive-sia2"),
    path("vo/scs/query", ConeSearch.as_view(), name="archive-scs"),
    path("vo/datalink", DataLinks.as_view(), name="archive-datalink"),
    # Clients look for these beside each service.
    path("vo/sia2/capabilities", Capabilities.as_view()),
    path("vo/sia2/availability", Availability.as_view()),
    path("vo/scs/capabilities", Capabilities.as_view()),
    path("vo/scs/availability", Availability.as_view()),
    path("vo/capabilities", Capabilities.as_view(), name="archive-vo-capabilities"),
    path("vo/availability", Availability.as_view(), name="archive-vo-availability"),
    path("thumbnail/<str:name>/", PreviewLink.as_view(), name="archive-preview"),
    path("pictures/<int:key>.jpg", preview, name="archive-picture"),
    path("profile/", ProfileView.as_view(), name="archive-profile"),
    path(
        "events/",
        event_stream(("frame.",), authentication_classes=(ChallengingAuthentication,), visible=sees_change),
        name="archive-events",
    ),
    path("health/", HealthView.as_view(), name="archive-health"),
    path("robots.txt", robots, name="archive-robots"),
]

root_urlpatterns = _resources
"""What also answers at the root of a server, because real clients drop path prefixes."""
