"""Pictures of frames with a stretch that the viewer chooses, made when they are asked for.

``thumbnail/<id or name>/`` answers like OCS's thumbnail service: with an address at which the picture can be fetched
without a token for a while, so that a page can show it.
"""

from __future__ import annotations

import hashlib
from typing import Any, Final
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_safe
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from armillary import clock
from armillary.archive.api.access import ArchiveView
from armillary.archive.links import LinkMaker, is_valid
from armillary.archive.models import Frame
from armillary.archive.pictures import Curve, FrameImage, Limits, Stretch, aligned, picture
from armillary.archive.products import NotThatKind
from armillary.archive.queries.colours import colour_frames
from armillary.archive.queries.visibility import visible_frames
from armillary.archive.services.make_thumbnails import newest_image
from armillary.archive.stores import StoreError
from armillary.platform.errors import Refusal

_LARGEST_EDGE: Final = 2048
_LONGEST_LABEL: Final = 100


class PreviewSerializer(serializers.Serializer[Any]):
    """The query parameters of a picture."""

    width = serializers.IntegerField(min_value=16, max_value=_LARGEST_EDGE, default=200)
    height = serializers.IntegerField(min_value=16, max_value=_LARGEST_EDGE, default=200)
    color = serializers.BooleanField(default=False)
    label = serializers.CharField(  # type: ignore[assignment]  # the name on the wire
        max_length=_LONGEST_LABEL, default="", allow_blank=True
    )
    quality = serializers.IntegerField(min_value=1, max_value=95, default=80)
    stretch = serializers.ChoiceField(choices=[curve.value for curve in Curve], default=Curve.ASINH.value)
    limits = serializers.ChoiceField(choices=[limits.value for limits in Limits], required=False)
    percentile = serializers.FloatField(min_value=50, max_value=100, required=False)
    median = serializers.BooleanField(default=False)
    black = serializers.FloatField(required=False)
    white = serializers.FloatField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Black is darker than white."""
        black, white = attrs.get("black"), attrs.get("white")
        if black is not None and white is not None and black >= white:
            raise serializers.ValidationError({"white": ["The value of white must be larger than that of black."]})
        return attrs

    @property
    def stretch_asked_for(self) -> Stretch:
        """The stretch. A percentile without limits means limits at percentiles."""
        data = self.validated_data
        usual = Limits.PERCENTILE if "percentile" in data else Limits.ZSCALE
        return Stretch(
            curve=Curve(data["stretch"]),
            limits=Limits(data.get("limits", usual)),
            percentile=data.get("percentile", 99.5),
            black=data.get("black"),
            white=data.get("white"),
            is_median_black=data["median"],
        )


class PreviewLink(ArchiveView):
    """Where a picture of a frame can be fetched."""

    @extend_schema(parameters=[PreviewSerializer], responses=dict[str, Any], operation_id="archive_preview")
    def get(self, request: Request, name: str) -> HttpResponseBase:
        """The address of a picture; with ``image`` among the parameters, the picture itself (by redirect)."""
        frames = visible_frames(self.who, clock.now()).filter(has_versions=True)
        frame = _named(frames, name)
        asked = PreviewSerializer(data={key: value for key, value in request.query_params.items() if value})
        asked.is_valid(raise_exception=True)
        chosen = [frame]
        if asked.validated_data["color"]:
            together = colour_frames(frame, frames)
            if together is None:
                raise Refusal("There are no frames in three filters of the same request; ask for it without color.")
            chosen = list(together)
        address = _signed_address(LinkMaker(request), frame, chosen, dict(asked.validated_data))
        if "image" in request.query_params:
            return HttpResponseRedirect(address)
        return Response({"url": address, "propid": frame.proposal_id})


@require_safe
def preview(request: HttpRequest, key: int) -> HttpResponseBase:
    """The picture behind an address that :class:`PreviewLink` gave out; no token is needed."""
    given = request.GET.dict()
    expires, signature = given.pop("expires", ""), given.pop("signature", "")
    if not is_valid(_said(key, given), expires, signature, now=clock.now()):
        return HttpResponse("This link has expired or is not complete. Ask the archive for a new one.\n", status=404)
    asked = PreviewSerializer(data=given)
    asked.is_valid(raise_exception=True)
    try:
        images = [_image(int(own), asked) for own in given.get("frames", str(key)).split("-")]
    except NotThatKind as error:
        return HttpResponse(f"There is no picture of this frame: {error}.\n", status=415)
    except StoreError as error:
        return HttpResponse(f"The file store is unavailable: {error}\n", status=503, headers={"Retry-After": "30"})
    data = asked.validated_data
    jpeg = picture(
        aligned(images), width=data["width"], height=data["height"], stretch=asked.stretch_asked_for,
        quality=data["quality"], label=data["label"],
    )  # fmt: skip
    headers = {"Cache-Control": "private, max-age=3600", "Content-Encoding": "identity"}
    return HttpResponse(jpeg, content_type="image/jpeg", headers=headers)


def _named(frames: Any, name: str) -> Frame:
    found = frames.filter(pk=int(name)) if name.isdigit() and len(name) < 19 else frames.filter(basename=name)
    frame: Frame | None = found.first()
    if frame is None:
        raise Http404("No Frame matches the given query.")
    return frame


def _image(key: int, asked: PreviewSerializer) -> FrameImage:
    frame = get_object_or_404(Frame, pk=key)
    image = newest_image(frame, edge_pixels=max(asked.validated_data["width"], asked.validated_data["height"]))
    if image is None:
        raise NotThatKind("the file is no FITS image, or is not kept here")
    return image


def _signed_address(links: LinkMaker, frame: Frame, chosen: list[Frame], parameters: dict[str, Any]) -> str:
    said = {name: str(value) for name, value in parameters.items() if value not in {"", False}}
    said["frames"] = "-".join(str(other.pk) for other in chosen)
    said["versions"] = _versions(chosen)
    path = reverse("archive-picture", args=[frame.pk])
    return f"{links.start}{path}?{urlencode(said | links.signed(_said(frame.pk, said)))}"


def _versions(frames: list[Frame]) -> str:
    """Changes with the contents, so that a cached picture is not that of an older version."""
    newest = [frame.version_set.values_list("md5", flat=True).first() or "" for frame in frames]
    return hashlib.sha256("".join(newest).encode()).hexdigest()[:12]


def _said(key: int, parameters: dict[str, str]) -> str:
    """What a signature covers: everything that an address says."""
    return f"preview:{key}:{urlencode(sorted(parameters.items()))}"
