from __future__ import annotations

from django.urls import path

from armillary.portal.notifications.api import PreferencesView, UnsubscribeView

urlpatterns = [
    path("notifications/", PreferencesView.as_view(), name="notification-preferences"),
    path("notifications/unsubscribe/<str:key>/", UnsubscribeView.as_view(), name="unsubscribe"),
]
