"""Applications on paper, and the files that belong to them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from io import BytesIO
from pathlib import PurePosixPath
from typing import Any

from django.db.models.fields.files import FieldFile
from django.http import FileResponse, StreamingHttpResponse
from pypdf import PdfReader, PdfWriter
from zipstream import ZipStream

from armillary.platform.paper import printed as printed_page
from armillary.portal.calls.models import ScienceApplication, ScienceApplicationReview


def printed(application: ScienceApplication, shown: Mapping[str, Any]) -> bytes:
    """An application as PDF: what was filled in, then what was attached.

    Args:
        application: Which.
        shown: The same as the wire shows it.
    """
    front = printed_page("portal/calls/application.html", {"application": shown})
    if not application.pdf:
        return front
    whole = PdfWriter()
    whole.append(PdfReader(BytesIO(front)))
    with application.pdf.open("rb") as attached:
        whole.append(PdfReader(BytesIO(attached.read())))
    out = BytesIO()
    whole.write(out)
    return out.getvalue()


def stored(file: FieldFile) -> FileResponse:
    """An attached file, as it was uploaded; browsers get it as a download, never as a page of this site."""
    name = PurePosixPath(file.name or "attachment.pdf").name
    return FileResponse(file.open("rb"), as_attachment=True, filename=name, content_type="application/pdf")


def zipped(reviews: Iterable[ScienceApplicationReview]) -> StreamingHttpResponse:
    """The anonymous PDFs of reviews, in one archive that is made while it is sent."""
    archive = ZipStream()
    for review in reviews:
        if review.pdf:
            name = f"{review.science_application_id}/{PurePosixPath(review.pdf.name or '').name}"
            archive.add(_content(review.pdf), name)
    answer = StreamingHttpResponse(iter(archive), content_type="application/zip")
    answer["Content-Disposition"] = "attachment; filename=proposal-reviews.zip"
    return answer


def _content(file: FieldFile) -> Iterator[bytes]:
    with file.open("rb") as opened:
        yield from opened.chunks()
