"""A process that writes when it is told to; see ``test_many_processes.py``.

It says ``ready``, waits for a line, makes the calls that it was given as ``[[user, address, body], ...]`` in its own
order, and says which status each was answered with.
"""

from __future__ import annotations

import json
import sys


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> None:
    import django

    django.setup()
    from rest_framework.test import APIClient

    from armillary.accounts.models import User

    calls = json.loads(sys.argv[1])
    users = {user.username: user for user in User.objects.filter(username__in={call[0] for call in calls})}
    say("ready")
    sys.stdin.readline()
    statuses = []
    for name, address, body in calls:
        client = APIClient()
        client.raise_request_exception = False
        client.force_authenticate(users[name])
        statuses.append(client.post(address, body).status_code)
    say(json.dumps(statuses))


if __name__ == "__main__":
    main()
