from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rest_framework.metadata import SimpleMetadata
from rest_framework.request import Request

if TYPE_CHECKING:  # the views ask for this class while they are imported
    from rest_framework.views import APIView


class Metadata(SimpleMetadata):
    """What OPTIONS answers; the fields to post are listed only by views that read them with a serializer."""

    def determine_actions(self, request: Request, view: APIView) -> dict[str, Any]:
        """The fields to post or put, by method."""
        chooser = getattr(type(view), "get_serializer_class", None)
        chooses = chooser is not None and chooser.__qualname__ != "GenericAPIView.get_serializer_class"
        if getattr(view, "serializer_class", None) is None and not chooses:
            return {}
        return dict(super().determine_actions(request, view))
