from __future__ import annotations

from django.templatetags.static import static
from django.urls import path
from django.views.generic import RedirectView

from armillary.web.pages import data, requests, tonight

urlpatterns = [
    path("", RedirectView.as_view(url="/tonight/"), name="home"),
    path("favicon.ico", RedirectView.as_view(url=static("armillary/mark.svg")), name="favicon"),
    path("tonight/", tonight.tonight, name="tonight"),
    path("tonight/timeline/", tonight.timeline_fragment, name="tonight-timeline"),
    path("requestgroups/", requests.request_groups, name="request-groups"),
    path("requestgroups/<int:group_id>/", requests.request_group, name="request-group"),
    path("requestgroups/<int:group_id>/cancel/", requests.cancel, name="request-group-cancel"),
    path("requests/<int:request_id>/", requests.request_detail, name="request"),
    path("data/", data.frames, name="data"),
    path("data/<int:frame_id>/", data.frame, name="frame"),
]
