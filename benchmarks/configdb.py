"""``GET /sites/`` of the 32-instrument network: queries, CPU time and size, cold and for who has it already.

    python benchmarks/configdb.py

The database is a fresh SQLite file, or that of ``ARMILLARY_DATABASE_URL`` (its configuration is added to).
"""

from __future__ import annotations

import json
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

REPEATS = 20


def main() -> None:
    directory = Path(tempfile.mkdtemp(prefix="armillary-benchmark-"))
    os.environ |= {"ARMILLARY_MODE": "test", "DJANGO_SETTINGS_MODULE": "armillary.server.settings"}
    os.environ["ARMILLARY_LOG_LEVEL"] = "WARNING"
    os.environ.setdefault("ARMILLARY_DATA_DIRECTORY", str(directory))
    os.environ.setdefault("ARMILLARY_DATABASE_URL", f"sqlite:///{directory}/configdb.sqlite3")
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    from armillary.configdb.services import import_observatory

    document = json.loads((Path(__file__).parent.parent / "examples" / "network_observatory.json").read_text())
    started = time.perf_counter()
    report = import_observatory(document)
    print(f"import of {len(report.created)} things: {time.perf_counter() - started:.2f} s")
    started = time.perf_counter()
    import_observatory(document)
    print(f"import again, nothing changed: {time.perf_counter() - started:.2f} s")
    measure()


def measure() -> None:
    from rest_framework.test import APIClient

    client = APIClient()
    client.get("/configdb/sites/")  # addresses are compiled at the first call
    print(f"{'':34} {'queries':>8} {'CPU':>10} {'bytes':>9}")
    whole = row("GET /sites/", client, {})
    row("GET /sites/ with If-None-Match", client, {"HTTP_IF_NONE_MATCH": whole["ETag"]})
    row("GET /instruments/", client, {}, "/configdb/instruments/")
    row("GET /instrumenttypes/", client, {}, "/configdb/instrumenttypes/")


def row(name: str, client: Any, headers: dict[str, str], address: str = "/configdb/sites/") -> Any:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as queries:
        answer = client.get(address, **headers)
    asked = len(queries)  # at once: the next request begins a new log
    times = []
    for _ in range(REPEATS):
        started = time.process_time()
        client.get(address, **headers)
        times.append(time.process_time() - started)
    print(f"{name:34} {asked:8} {statistics.median(times) * 1000:7.1f} ms {len(answer.content):9}")
    return answer


if __name__ == "__main__":
    main()
