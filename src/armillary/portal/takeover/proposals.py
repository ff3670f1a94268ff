"""Semesters, proposals, members and time of a dump."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from armillary.accounts.models import User
from armillary.core.proposals.ledger import ACCOUNT_OF_OBSERVATION_TYPE, Account, Entry, Kind, microseconds
from armillary.portal.proposals.models import (
    CollaborationAllocation,
    LedgerEntry,
    Membership,
    Proposal,
    ProposalInvite,
    ProposalNotification,
    ScienceCollaborationAllocation,
    Semester,
    TimeAllocation,
)
from armillary.portal.proposals.services import append_entries
from armillary.portal.takeover.dump import Dump, moments

_BUCKETS = (Account.STANDARD, Account.RAPID_RESPONSE, Account.TIME_CRITICAL, Account.REALTIME)
_PROPOSAL = (
    "active",
    "title",
    "abstract",
    "tac_priority",
    "tac_rank",
    "public",
    "non_science",
    "direct_submission",
    "tags",
    "notes",
)


def take_over_proposals(dump: Dump, people: Mapping[int, User]) -> None:
    """Create or update everything about proposals but what was used of their time."""
    for item in dump.of("proposals.semester"):
        Semester.objects.update_or_create(pk=item["pk"], defaults=moments(item, "start", "end"))
    for item in dump.of("proposals.sciencecollaborationallocation"):
        ScienceCollaborationAllocation.objects.update_or_create(
            pk=item["pk"], defaults={"name": item["name"], "admin": people.get(item["admin"])}
        )
    for item in dump.of("proposals.collaborationallocation"):
        CollaborationAllocation.objects.update_or_create(
            pk=item["pk"],
            defaults={
                "sca_id": item["sca"],
                "telescope_name": item["telescope_name"],
                "allocation": item["allocation"],
            },
        )
    for item in dump.of("proposals.proposal"):
        values = {name: item[name] for name in _PROPOSAL} | moments(item, "created", "modified")
        Proposal.objects.update_or_create(pk=item["pk"], defaults={**values, "sca_id": item["sca"]})
    _take_over_members(dump, people)
    for item in dump.of("proposals.timeallocation"):
        TimeAllocation.objects.update_or_create(
            pk=item["pk"],
            defaults={
                "semester_id": item["semester"],
                "proposal_id": item["proposal"],
                "instrument_types": item["instrument_types"],
            },
        )


def _take_over_members(dump: Dump, people: Mapping[int, User]) -> None:
    for item in dump.of("proposals.membership"):
        Membership.objects.update_or_create(
            proposal_id=item["proposal"],
            user=people[item["user"]],
            defaults={"role": item["role"], "time_limit": item["time_limit"]},
            create_defaults={"pk": item["pk"], "role": item["role"], "time_limit": item["time_limit"]},
        )
    for item in dump.of("proposals.proposalnotification"):
        ProposalNotification.objects.get_or_create(
            proposal_id=item["proposal"], user=people[item["user"]], defaults={"pk": item["pk"]}
        )
    for item in dump.of("proposals.proposalinvite"):
        values = {name: item[name] for name in ("role", "email", "time_limit")} | moments(item, "sent", "used")
        ProposalInvite.objects.update_or_create(pk=item["pk"], defaults={**values, "proposal_id": item["proposal"]})


def take_over_time(dump: Dump) -> int:
    """Open the accounts of allocations: what was granted, what was used, and by which executions.

    An account that has entries already is left alone; how many were opened.
    """
    charges = _charges(dump)
    opened = 0
    for item in dump.of("proposals.timeallocation"):
        allocation = TimeAllocation.objects.get(pk=item["pk"])
        if LedgerEntry.objects.filter(allocation=allocation).exists():
            continue
        opened += 1
        paid: dict[Account, int] = defaultdict(int)
        for charge in charges:
            if charge["proposal"] == item["proposal"] and charge["instrument_type"] in item["instrument_types"]:
                entry = Entry(charge["account"], Kind.CHARGE, charge["amount_us"])
                paid[charge["account"]] += entry.amount_us
                append_entries(
                    allocation,
                    [entry],
                    reason="taken over",
                    configuration_status=charge["status"],
                    observation=charge["observation"],
                )
        append_entries(allocation, _opening(item, paid), reason="taken over")
    return opened


def _opening(item: Mapping[str, Any], paid: Mapping[Account, int]) -> list[Entry]:
    entries = []
    for account in _BUCKETS:
        entries.append(Entry(account, Kind.GRANT, microseconds(hours=item[f"{account}_allocation"])))
        used = microseconds(hours=item[f"{account}_time_used"]) - paid.get(account, 0)
        entries.append(Entry(account, Kind.OPENING, used))
    limit, available = (microseconds(hours=item[name]) for name in ("ipp_limit", "ipp_time_available"))
    entries += [Entry(Account.PRIORITY, Kind.GRANT, limit), Entry(Account.PRIORITY, Kind.OPENING, limit - available)]
    return [entry for entry in entries if entry.amount_us]


def _charges(dump: Dump) -> list[dict[str, Any]]:
    """What executions were charged, and on which accounts."""
    configurations = {item["pk"]: item for item in dump.of("requestgroups.configuration")}
    requests = {item["pk"]: item for item in dump.of("requestgroups.request")}
    groups = {item["pk"]: item for item in dump.of("requestgroups.requestgroup")}
    found = []
    for status in dump.of("observations.configurationstatus"):
        configuration = configurations.get(status["configuration"])
        if not status.get("time_charged") or configuration is None:
            continue
        group = groups[requests[configuration["request"]]["request_group"]]
        account = ACCOUNT_OF_OBSERVATION_TYPE.get(group["observation_type"])
        if account is not None:
            found.append(
                {
                    "proposal": group["proposal"],
                    "instrument_type": configuration["instrument_type"],
                    "account": account,
                    "amount_us": microseconds(hours=status["time_charged"]),
                    "status": status["pk"],
                    "observation": status["observation"],
                }
            )
    return found
