"""People write applications for time."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any, Final

from django.core.files.base import ContentFile
from django.db import transaction
from django.db.models.fields.files import FieldFile

from armillary.accounts.models import User
from armillary.clock import now
from armillary.platform.errors import Refusal
from armillary.portal.calls import letters
from armillary.portal.calls.models import Call, CoInvestigator, ScienceApplication, TimeRequest
from armillary.portal.calls.queries import facts_of, open_calls
from armillary.portal.calls.rules import ApplicationForm, errors_of
from armillary.portal.proposals.models import ScienceCollaborationAllocation

_DRAFT: Final = ScienceApplication.Status.DRAFT


@transaction.atomic
def save_application(submitter: User, form: ApplicationForm, existing: int | None = None) -> ScienceApplication:
    """Store an application, as a draft or for good.

    Args:
        submitter: Whose it is.
        form: What it says now; it replaces everything that it said before.
        existing: The draft to change; default: a new application.

    Raises:
        DoesNotExist: The person has no such draft.
        Refusal: Nested field errors.
    """
    _require_open(form.call, submitter)
    application = (
        ScienceApplication(submitter=submitter, created=now())
        if existing is None
        else ScienceApplication.objects.select_for_update().get(pk=existing, submitter=submitter, status=_DRAFT)
    )
    if errors := errors_of(form, facts_of(form.call, now()), has_pdf=bool(application.pdf)):
        raise Refusal(errors)
    _write(application, form)
    if form.is_submission and form.call.proposal_type == Call.ProposalType.DDT:
        letters.tell_of_discretionary(application)
    return application


def _require_open(call: Call, submitter: User) -> None:
    if not call.opens <= now() <= call.deadline:
        raise Refusal({"call_id": ["The call is not open."]})
    administers = ScienceCollaborationAllocation.objects.filter(admin=submitter)
    if call.proposal_type == Call.ProposalType.COLAB and not administers.exists():
        raise Refusal({"call_id": [f'Invalid pk "{call.pk}" - object does not exist.']})


def _write(application: ScienceApplication, form: ApplicationForm) -> None:
    moment = now()
    application.call = form.call
    application.title, application.status = form.title, form.status
    for name, text in form.texts.items():
        setattr(application, name, text)
    application.tac_rank = form.tac_rank or 0
    application.tags = list(form.tags)
    application.modified = moment
    application.submitted = moment if form.is_submission else None
    application.save()
    _store_pdf(application, form)
    application.timerequest_set.all().delete()
    for wish in form.time:
        row = TimeRequest.objects.create(
            science_application=application,
            semester=wish.semester,
            std_time=wish.std_h,
            rr_time=wish.rr_h,
            tc_time=wish.tc_h,
        )
        row.instrument_types.set(wish.instruments)
    application.coinvestigator_set.all().delete()
    CoInvestigator.objects.bulk_create(
        CoInvestigator(
            science_application=application,
            email=person.email,
            first_name=person.first_name,
            last_name=person.last_name,
            institution=person.institution,
        )
        for person in form.coinvestigators
    )


def _store_pdf(application: ScienceApplication, form: ApplicationForm) -> None:
    if form.pdf is None and not form.clear_pdf:
        return
    if application.pdf:
        _delete_stored(application.pdf)
    if form.pdf is None:
        application.pdf = None
    else:
        application.pdf.save(_place(application, form.pdf.name), form.pdf, save=False)
    application.save(update_fields=["pdf"])


def _delete_stored(file: FieldFile) -> None:
    storage, name = file.storage, file.name or ""
    transaction.on_commit(lambda: storage.delete(name))


def _place(application: ScienceApplication, name: str) -> str:
    return f"sciapps/{application.call.semester_id}/{application.pk}/{PurePosixPath(name).name}"


@transaction.atomic
def copy_application(application: ScienceApplication) -> ScienceApplication:
    """Write the same application again, as a draft for the call of its kind that is open now.

    Time is asked for in the semester of that call, on those of the instruments that it offers.

    Raises:
        Refusal: No such call is open.
    """
    call = open_calls(now()).filter(proposal_type=application.call.proposal_type).order_by("pk").first()
    if call is None:
        kind = application.call.proposal_type
        raise Refusal({"errors": [f"No open call at this time for proposal type {kind}"]})
    moment = now()
    copied: dict[str, Any] = {
        name: getattr(application, name)
        for name in ("title", "abstract", "pi", "pi_first_name", "pi_last_name", "pi_institution", "tags")
    }
    copy = ScienceApplication.objects.create(
        call=call, submitter=application.submitter, created=moment, modified=moment, **copied
    )
    if application.pdf:
        with application.pdf.open("rb") as stored:
            copy.pdf.save(_place(copy, application.pdf.name or ""), ContentFile(stored.read()))
    _copy_time(application, copy)
    for person in application.coinvestigator_set.all():
        person.pk = None
        person.science_application = copy
        person.save(force_insert=True)
    return copy


def _copy_time(application: ScienceApplication, copy: ScienceApplication) -> None:
    offered = set(copy.call.instruments.all())
    for wish in application.timerequest_set.prefetch_related("instrument_types"):
        instruments = offered & set(wish.instrument_types.all())
        if not instruments:
            continue
        row = TimeRequest.objects.create(
            science_application=copy,
            semester=copy.call.semester,
            std_time=wish.std_time,
            rr_time=wish.rr_time,
            tc_time=wish.tc_time,
        )
        row.instrument_types.set(instruments)


@transaction.atomic
def delete_application(application: ScienceApplication) -> None:
    """Delete a draft; an application that was submitted stays."""
    deleted, _ = ScienceApplication.objects.filter(pk=application.pk, status=_DRAFT).delete()
    if deleted and application.pdf:
        _delete_stored(application.pdf)
