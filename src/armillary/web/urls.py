from __future__ import annotations

from django.templatetags.static import static
from django.urls import path
from django.views.generic import RedirectView

from armillary.web.pages import calls, compose, data, office, people, proposals, requests, tonight

urlpatterns = [
    path("", RedirectView.as_view(url="/tonight/"), name="home"),
    path("favicon.ico", RedirectView.as_view(url=static("armillary/mark.svg")), name="favicon"),
    path("tonight/", tonight.tonight, name="tonight"),
    path("tonight/timeline/", tonight.timeline_fragment, name="tonight-timeline"),
    path("tonight/frames/", tonight.latest_frames, name="tonight-frames"),
    path("compose/", compose.compose, name="compose"),
    path("compose/check/", compose.check, name="compose-check"),
    path("requestgroups/", requests.request_groups, name="request-groups"),
    path("requestgroups/<int:group_id>/", requests.request_group, name="request-group"),
    path("requestgroups/<int:group_id>/cancel/", requests.cancel, name="request-group-cancel"),
    path("requests/<int:request_id>/", requests.request_detail, name="request"),
    path("proposals/", proposals.proposals, name="proposals"),
    path("proposals/<str:proposal_id>/", proposals.proposal, name="proposal"),
    path("proposals/<str:proposal_id>/<str:verb>/", proposals.change, name="proposal-change"),
    path("invitations/<str:key>/", people.invitation, name="invitation"),
    path("profile/", people.profile, name="profile-page"),
    path("profile/tokens/", people.new_token, name="new-token"),
    path("profile/tokens/<int:token_id>/delete/", people.delete_token, name="delete-token"),
    path("calls/", calls.calls, name="calls"),
    path("applications/new/<int:call_id>/", calls.new_application, name="new-application"),
    path("applications/<int:application_id>/", calls.application, name="application"),
    path("applications/<int:application_id>/save/", calls.save, name="save-application"),
    path("applications/<int:application_id>/copy/", calls.copy, name="copy-application"),
    path("applications/<int:application_id>/delete/", calls.delete, name="delete-application"),
    path("applications/<int:application_id>/decide/", calls.decide, name="decide-application"),
    path("reviews/", calls.reviews, name="reviews"),
    path("reviews/<int:review_id>/", calls.review, name="review"),
    path("reviews/<int:review_id>/conflict/", calls.conflict, name="review-conflict"),
    path("profile/sessions/<int:session_id>/end/", people.end_session, name="end-session"),
    path("profile/notifications/", people.notifications, name="notifications"),
    path("office/", office.people, name="office"),
    path("office/people/<str:username>/", office.person, name="office-person"),
    path("office/proposals/", office.proposals, name="office-proposals"),
    path("office/proposals/<str:proposal_id>/", office.proposal, name="office-proposal"),
    path("office/semesters/", office.semesters, name="office-semesters"),
    path("office/calls/", office.calls, name="office-calls"),
    path("office/calls/<str:deed>/", office.change_calls, name="office-change-calls"),
    path("office/audit/", office.audit, name="office-audit"),
    path("data/", data.frames, name="data"),
    path("data/<int:frame_id>/", data.frame, name="frame"),
]
