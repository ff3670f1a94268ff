"""What may be posted about calls, applications and reviews."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pypdf import PdfReader
from pypdf.errors import PyPdfError
from rest_framework import serializers

from armillary.accounts.models import User
from armillary.portal.calls.models import (
    Call,
    Instrument,
    ReviewPanel,
    ScienceApplication,
    ScienceApplicationReview,
    ScienceApplicationUserReview,
)
from armillary.portal.calls.rules import ApplicationForm, Person, TimeWish
from armillary.portal.calls.services import CallDetails, Decision, Grant, offer_instruments
from armillary.portal.proposals.models import Semester

_LARGEST_PDF_BYTES: Final = 20 * 1024 * 1024
_TEXTS: Final = ("abstract", "pi", "pi_first_name", "pi_last_name", "pi_institution")
_STATUSES: Final = (ScienceApplication.Status.DRAFT, ScienceApplication.Status.SUBMITTED)


class InstrumentsField(serializers.Field[Any, Any, Any, Any]):
    """Ids of instruments: a list, or text separated by commas, as forms send them."""

    def to_internal_value(self, data: Any) -> tuple[Instrument, ...]:
        """The instruments."""
        parts = data.split(",") if isinstance(data, str) else data if isinstance(data, list) else [data]
        try:
            numbers = [int(part) for part in parts]
        except (TypeError, ValueError) as error:
            raise serializers.ValidationError(f"{data!r} is not a list of ids of instruments.") from error
        known = Instrument.objects.in_bulk(numbers)
        for number in numbers:
            if number not in known:
                raise serializers.ValidationError(f'Invalid pk "{number}" - object does not exist.')
        return tuple(known[number] for number in dict.fromkeys(numbers))

    def to_representation(self, value: Any) -> Any:
        """Never shown: this is for reading forms."""
        return [instrument.pk for instrument in value]


class TimeRequestSerializer(serializers.Serializer[Any]):
    """Hours that are asked for."""

    semester = serializers.PrimaryKeyRelatedField(queryset=Semester.objects.all())
    std_time = serializers.IntegerField(min_value=0, max_value=100_000)
    rr_time = serializers.IntegerField(min_value=0, max_value=100_000)
    tc_time = serializers.IntegerField(min_value=0, max_value=100_000)
    instrument_types = InstrumentsField()


class CoInvestigatorSerializer(serializers.Serializer[Any]):
    """Somebody who shall observe, too."""

    email = serializers.EmailField()
    first_name = serializers.CharField(max_length=255)
    last_name = serializers.CharField(max_length=255)
    institution = serializers.CharField(max_length=255)


class ApplicationSerializer(serializers.Serializer[ScienceApplication]):
    """An application as its author fills it in, as JSON or as a form with a file."""

    call_id = serializers.PrimaryKeyRelatedField(queryset=Call.objects.all())
    status = serializers.CharField()
    title = serializers.CharField(max_length=200)
    abstract = serializers.CharField(required=False, allow_blank=True)
    pi = serializers.EmailField(required=False, allow_blank=True)
    pi_first_name = serializers.CharField(required=False, allow_blank=True, max_length=255)
    pi_last_name = serializers.CharField(required=False, allow_blank=True, max_length=255)
    pi_institution = serializers.CharField(required=False, allow_blank=True, max_length=255)
    tac_rank = serializers.IntegerField(required=False, min_value=0, max_value=10_000)
    timerequest_set = TimeRequestSerializer(many=True, required=False)
    coinvestigator_set = CoInvestigatorSerializer(many=True, required=False)
    tags = serializers.ListField(child=serializers.CharField(max_length=255), required=False)
    pdf = serializers.FileField(required=False, allow_null=True)
    clear_pdf = serializers.BooleanField(required=False, default=False)

    def validate_status(self, value: str) -> str:
        """Only what an author may do."""
        if value not in _STATUSES:
            raise serializers.ValidationError(f"Application status must be one of [{', '.join(_STATUSES)}]")
        return value

    def validate_pdf(self, value: Any) -> Any:
        """A file that opens."""
        if value is None:
            return None
        if not value.name.lower().endswith(".pdf"):
            raise serializers.ValidationError("We can only accept PDF files.")
        if value.size > _LARGEST_PDF_BYTES:
            raise serializers.ValidationError(f"The file has more than {_LARGEST_PDF_BYTES // 2**20} MB.")
        try:
            PdfReader(value).pages[0]
        except (PyPdfError, IndexError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise serializers.ValidationError("Invalid PDF file") from error
        value.seek(0)
        return value

    def form(self) -> ApplicationForm:
        """What was filled in."""
        values: Mapping[str, Any] = self.validated_data
        return ApplicationForm(
            call=values["call_id"],
            title=values["title"],
            status=values["status"],
            texts={name: values.get(name, "") for name in _TEXTS},
            tac_rank=values.get("tac_rank"),
            time=[
                TimeWish(item["semester"], item["instrument_types"], item["std_time"], item["rr_time"], item["tc_time"])
                for item in values.get("timerequest_set", ())
            ],
            coinvestigators=[Person(**item) for item in values.get("coinvestigator_set", ())],
            tags=values.get("tags", ()),
            pdf=values.get("pdf"),
            clear_pdf=values["clear_pdf"],
        )


class CallSerializer(serializers.Serializer[Call]):
    """A call as the observatory writes it."""

    semester = serializers.PrimaryKeyRelatedField(queryset=Semester.objects.all())
    proposal_type = serializers.ChoiceField(choices=Call.ProposalType.choices)
    opens = serializers.DateTimeField()
    deadline = serializers.DateTimeField()
    instruments = InstrumentsField(required=False, default=())
    instrument_types = serializers.ListField(
        child=serializers.CharField(max_length=50),
        required=False,
        default=list,
        help_text="codes; offered with the rest",
    )
    eligibility = serializers.CharField(required=False, allow_blank=True, default="")
    eligibility_short = serializers.CharField(required=False, allow_blank=True, default="")
    call_url = serializers.URLField(required=False, allow_blank=True, default="")

    def details(self, names: Mapping[str, str]) -> CallDetails:
        """What the call says.

        Args:
            names: The observatory's types of instruments, by code.

        Raises:
            ValidationError: It offers a type that the observatory does not have.
        """
        values = dict(self.validated_data)
        codes = values.pop("instrument_types")
        if unknown := [code for code in codes if code not in names]:
            raise serializers.ValidationError({"instrument_types": [f"The observatory has no {', '.join(unknown)}."]})
        offered = offer_instruments({code: names[code][:50] for code in codes})
        values["instruments"] = list(dict.fromkeys([*values["instruments"], *offered]))
        return CallDetails(**values)


class GrantSerializer(serializers.Serializer[Any]):
    """Hours that one time request gets."""

    id = serializers.IntegerField()
    std_time = serializers.FloatField(min_value=0)
    rr_time = serializers.FloatField(min_value=0, default=0.0)
    tc_time = serializers.FloatField(min_value=0, default=0.0)


class DecisionSerializer(serializers.Serializer[Any]):
    """What an application gets."""

    tac_priority = serializers.IntegerField(min_value=0, max_value=10_000)
    tac_rank = serializers.IntegerField(min_value=0, max_value=999)
    grants = GrantSerializer(many=True, required=False)
    proposal = serializers.RegexField(r"^[^/\s]+$", required=False, max_length=255)
    comments = serializers.CharField(required=False, allow_blank=True, default="")
    active = serializers.BooleanField(default=True)

    def decision(self) -> Decision:
        """The decision."""
        values = self.validated_data
        grants = values.get("grants")
        return Decision(
            tac_priority=values["tac_priority"],
            tac_rank=values["tac_rank"],
            grants=None
            if grants is None
            else {item["id"]: Grant(item["std_time"], item["rr_time"], item["tc_time"]) for item in grants},
            proposal_id=values.get("proposal", ""),
            comments=values["comments"],
            active=values["active"],
        )


class CommentsSerializer(serializers.Serializer[Any]):
    """Words for the applicant."""

    comments = serializers.CharField(required=False, allow_blank=True, default="")


class UserReviewSerializer(serializers.ModelSerializer[ScienceApplicationUserReview]):
    """What one member of a panel thinks."""

    class Meta:
        model = ScienceApplicationUserReview
        fields = ("comments", "finished", "grade")


class SummarySerializer(serializers.Serializer[Any]):
    """The panel's common opinion."""

    summary = serializers.CharField(allow_blank=True, required=False)


class SecondaryNotesSerializer(serializers.Serializer[Any]):
    """What only the panel reads."""

    secondary_notes = serializers.CharField(allow_blank=True, required=False)


class ConflictSerializer(serializers.Serializer[Any]):
    """Why somebody takes no part."""

    reason = serializers.CharField(max_length=500)


class PanelSerializer(serializers.Serializer[ReviewPanel]):
    """A panel and its members, by name."""

    name = serializers.CharField(max_length=128)
    members = serializers.SlugRelatedField(
        slug_field="username", queryset=User.objects.filter(is_active=True), many=True
    )
    is_admin = serializers.BooleanField(default=False)


class AssignmentSerializer(serializers.Serializer[Any]):
    """Which panel reviews an application, and who leads."""

    science_application = serializers.PrimaryKeyRelatedField(queryset=ScienceApplication.objects.all())
    review_panel = serializers.PrimaryKeyRelatedField(queryset=ReviewPanel.objects.all())
    primary_reviewer = serializers.SlugRelatedField(slug_field="username", queryset=User.objects.all())
    secondary_reviewer = serializers.SlugRelatedField(slug_field="username", queryset=User.objects.all())
    science_category = serializers.ChoiceField(
        choices=ScienceApplicationReview.Category.choices, default=ScienceApplicationReview.Category.MISC
    )
    technical_review = serializers.CharField(required=False, allow_blank=True, default="")
