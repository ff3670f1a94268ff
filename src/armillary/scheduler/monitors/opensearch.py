from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from armillary.scheduler.monitors.decoding import Fields
from armillary.scheduler.monitors.model import Conditions, Interpretation, Measurement, MonitorUnavailable

_TELEMETRY = Fields(place="telescope", value="value_string", at="timestampmeasured")


class OpenSearchMonitor:
    """Reads the newest value of a datum of every telescope from an OpenSearch index; needs ``armillary[opensearch]``.

    One query: the documents of the datum are collapsed by place, newest first, so that neither their number nor their
    order matters.

    Args:
        hosts: Addresses of the cluster.
        index: Where telemetry is kept.
        datum: Name of the datum.
        datum_field: The field that holds the name of the datum.
        place_field: The keyword field that names the telescope, to collapse by.
        look_back: How old a document may be to be looked at.
        fields: What the fields of a document are called.
        interpretation: What they mean.
        client: A client to use instead of one's own.
        options: For the client library: ``http_auth``, ``verify_certs``, ...
    """

    def __init__(
        self,
        hosts: Sequence[str],
        index: str,
        *,
        datum: str = "Available For Scheduling",
        datum_field: str = "datumname",
        place_field: str = "telescope",
        look_back: timedelta = timedelta(days=60),
        fields: Fields = _TELEMETRY,
        interpretation: Interpretation | None = None,
        client: Any = None,
        **options: Any,
    ) -> None:
        from opensearchpy import OpenSearch

        self._client = client or OpenSearch(list(hosts), timeout=10, max_retries=2, retry_on_timeout=True, **options)
        self._index, self._name = index, f"the OpenSearch index {index}"
        self._datum, self._datum_field, self._place_field = datum, datum_field, place_field
        self._look_back = look_back
        self._fields = fields
        self._interpretation = interpretation or Interpretation()

    def read(self, now: datetime) -> Conditions:
        """The newest value of every telescope."""
        return self._interpretation.conditions(self._newest(now), now)

    def _newest(self, now: datetime) -> list[Measurement]:
        from opensearchpy.exceptions import OpenSearchException

        try:
            answer = self._client.search(index=self._index, body=self._query(now))
            hits = answer["hits"]["hits"]
            return [self._fields.measurement(hit["_source"], self._name) for hit in hits]
        except (OpenSearchException, KeyError, TypeError) as error:
            raise MonitorUnavailable(f"{self._name} cannot be read: {error!r}") from error

    def _query(self, now: datetime) -> dict[str, Any]:
        recent = {"gte": (now - self._look_back).isoformat(), "lte": now.isoformat()}
        return {
            "size": 1000,
            "query": {
                "bool": {
                    "filter": [
                        {"match_phrase": {self._datum_field: self._datum}},
                        {"range": {self._fields.at: recent}},
                    ]
                }
            },
            "collapse": {"field": self._place_field},
            "sort": [{self._fields.at: "desc"}],
        }
