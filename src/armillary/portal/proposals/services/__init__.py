"""Everything that changes semesters, proposals, their time and their members; each function is one transaction."""

from armillary.portal.proposals.services.changing import (
    appoint,
    change_proposal,
    correct_time,
    dismiss,
    give_time,
    open_proposal,
    open_semester,
)
from armillary.portal.proposals.services.collaborating import write_collaboration
from armillary.portal.proposals.services.granting import (
    TimeGrant,
    add_member,
    append_entries,
    create_proposal,
    create_semester,
    grant_time,
    limit_all_members,
    limit_member,
    remove_member,
    seconds_of,
    set_notifications,
)
from armillary.portal.proposals.services.rolling_over import RolledOver, roll_over

__all__ = [
    "RolledOver",
    "TimeGrant",
    "add_member",
    "append_entries",
    "appoint",
    "change_proposal",
    "correct_time",
    "create_proposal",
    "create_semester",
    "dismiss",
    "give_time",
    "grant_time",
    "limit_all_members",
    "limit_member",
    "open_proposal",
    "open_semester",
    "remove_member",
    "roll_over",
    "seconds_of",
    "set_notifications",
    "write_collaboration",
]
