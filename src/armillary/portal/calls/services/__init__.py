"""Everything that changes calls, applications and reviews; each function is one transaction."""

from armillary.portal.calls.services.acceptance import Decision, Grant, accept_application, reject_application
from armillary.portal.calls.services.applications import copy_application, delete_application, save_application
from armillary.portal.calls.services.calling import CallDetails, change_call, create_call, offer_instruments
from armillary.portal.calls.services.reviewing import (
    assign_review,
    create_panel,
    declare_conflict,
    note_for_secondary,
    review,
    summarize,
)

__all__ = [
    "CallDetails",
    "Decision",
    "Grant",
    "accept_application",
    "assign_review",
    "change_call",
    "copy_application",
    "create_call",
    "create_panel",
    "declare_conflict",
    "delete_application",
    "note_for_secondary",
    "offer_instruments",
    "reject_application",
    "review",
    "save_application",
    "summarize",
]
