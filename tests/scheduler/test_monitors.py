from __future__ import annotations

import json
import socketserver
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from armillary.scheduler.monitors import Closure, Conditions, MonitorUnavailable, Seeing, monitors_from, read_all
from armillary.scheduler.monitors.configured import MonitorsInvalid
from armillary.scheduler.monitors.decoding import Fields
from armillary.scheduler.monitors.http_json import HttpJsonMonitor
from armillary.scheduler.monitors.model import Interpretation
from armillary.scheduler.monitors.mqtt import MqttMonitor
from armillary.scheduler.monitors.opensearch import OpenSearchMonitor
from armillary.scheduler.monitors.simulated import SimulatedMonitor
from armillary.scheduler.simulation.weather import Weather

NOW = datetime(2026, 11, 23, 20, 0, tzinfo=UTC)
RECENT = "2026-11-23T19:59:00Z"


def http_monitor(content: Any, *, status: int = 200, **more: Any) -> HttpJsonMonitor:
    answer = (
        httpx.Response(status, json=content) if not isinstance(content, bytes) else httpx.Response(200, content=content)
    )
    return HttpJsonMonitor("http://weather.example/now", transport=httpx.MockTransport(lambda _: answer), **more)


@pytest.mark.parametrize(
    "content",
    [
        [{"telescope": "exh.doma.0m6a", "value": False, "time": RECENT, "reason": "wind"}],
        {"results": [{"telescope": "exh.doma.0m6a", "value": "closed", "time": 1795550340, "reason": "wind"}]},
        {"exh.doma.0m6a": {"value": 0, "time": "2026-11-23T19:59:00", "reason": "wind"}},
    ],
)
def test_a_closed_telescope_is_read_from_json_of_any_of_three_shapes(content: Any) -> None:
    (closure,) = http_monitor(content).read(NOW).closures
    assert closure == Closure("exh.doma.0m6a", "wind")
    assert closure.covers("EXH.doma.0m6a")
    assert not closure.covers("exh.domb.0m6a")


def test_the_newest_measurement_of_a_place_counts() -> None:
    rows = [
        {"telescope": "exh", "value": True, "time": RECENT},
        {"telescope": "EXH", "value": False, "time": "2026-11-23T19:50:00Z"},
    ]
    assert http_monitor(rows).read(NOW).closures == ()


def test_a_telescope_that_nothing_has_been_heard_of_for_a_quarter_of_an_hour_counts_as_closed() -> None:
    rows = [{"telescope": "exh", "value": True, "time": "2026-11-23T19:44:00Z"}]
    (closure,) = http_monitor(rows).read(NOW).closures
    assert "19:44" in closure.reason


@pytest.mark.parametrize(
    "content", [b"{", [1], 7, [{"value": True}], [{"telescope": "exh", "value": "maybe", "time": RECENT}],
                [{"telescope": "exh", "value": True, "time": "yesterday"}]]
)  # fmt: skip
def test_what_cannot_be_understood_is_no_good_weather(content: Any) -> None:
    with pytest.raises(MonitorUnavailable, match=r"weather\.example|availability"):
        http_monitor(content).read(NOW)


def test_an_answer_that_is_an_error_is_no_good_weather() -> None:
    with pytest.raises(MonitorUnavailable, match="503"):
        http_monitor([], status=503).read(NOW)


def test_seeing_is_a_number_with_a_time() -> None:
    rows = [{"where": {"site": "exh"}, "fwhm": "1.3", "at": RECENT}]
    monitor = http_monitor(rows, fields=Fields("where.site", "fwhm", "at"), interpretation=Interpretation("seeing"))
    conditions = monitor.read(NOW)
    seeing = conditions.seeing_at("exh.doma.0m6a")
    assert seeing == Seeing("exh", 1.3, NOW - timedelta(minutes=1))
    assert seeing.blocks(1.3, NOW)
    assert not seeing.blocks(1.4, NOW)
    assert not seeing.blocks(1.0, NOW + timedelta(minutes=20)), "it is not believed any more"
    assert conditions.seeing_at("xyz.doma.0m6a") is None
    with pytest.raises(MonitorUnavailable, match="no number"):
        http_monitor(
            [{"telescope": "exh", "value": "good", "time": RECENT}], interpretation=Interpretation("seeing")
        ).read(NOW)


def test_a_closure_is_a_downtime_of_every_telescope_at_its_place() -> None:
    conditions = Conditions((Closure("exh", "fog"), Closure("xyz", "past", NOW - timedelta(hours=1))))
    (downtime,) = conditions.downtimes(["exh.doma.0m6a", "xyz.doma.1m0a"], NOW)
    assert downtime.telescope_key == "exh.doma.0m6a"
    assert (downtime.start, downtime.end) == (NOW, NOW + timedelta(hours=1))


class Broker(socketserver.StreamRequestHandler):
    """As much of an MQTT 3.1.1 broker as a subscriber sees (OASIS standard, sections 3.1 to 3.9)."""

    retained: tuple[tuple[str, bytes], ...] = ()

    def handle(self) -> None:
        while header := self.rfile.read(1):
            body = self.rfile.read(self._length())
            kind = header[0] >> 4
            if kind == 1:
                self.wfile.write(bytes([0x20, 2, 0, 0]))
            elif kind == 8:
                self.wfile.write(bytes([0x90, 3]) + body[:2] + b"\0")
                for topic, payload in self.retained:
                    name = topic.encode()
                    content = struct.pack("!H", len(name)) + name + payload
                    self.wfile.write(bytes([0x31, len(content)]) + content)
            elif kind == 14:
                return

    def _length(self) -> int:
        value, shift = 0, 0
        while True:
            byte = self.rfile.read(1)[0]
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7


@contextmanager
def serving(server: socketserver.TCPServer) -> Iterator[int]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Threaded(socketserver.ThreadingTCPServer):
    daemon_threads = True


def test_retained_messages_of_a_broker_are_measurements() -> None:
    message = json.dumps({"value": False, "time": RECENT, "reason": "rain"}).encode()
    Broker.retained = (("weather/exh/doma/0m6a", message), ("weather/xyz", b"true"))
    with serving(_Threaded(("127.0.0.1", 0), Broker)) as port:
        monitor = MqttMonitor(
            "127.0.0.1", "weather/#", port=port, interpretation=Interpretation(longest_age=timedelta(days=3650))
        )
        try:
            deadline = threading.Event()
            for _ in range(100):
                if len(monitor._known) == 2:
                    break
                deadline.wait(0.05)
            assert monitor.read(NOW).closures == (Closure("exh.doma.0m6a", "rain"),)
        finally:
            monitor.close()


def test_a_broker_that_is_not_there_is_no_good_weather(monkeypatch: pytest.MonkeyPatch) -> None:
    from armillary.scheduler.monitors import mqtt

    monkeypatch.setattr(mqtt, "_FIRST_MESSAGE_S", 0.05)
    monitor = MqttMonitor("127.0.0.1", "weather/#", port=1)
    try:
        with pytest.raises(MonitorUnavailable, match="cannot be reached"):
            monitor.read(NOW)
    finally:
        monitor.close()


class Search(BaseHTTPRequestHandler):
    """An OpenSearch node that answers one search."""

    asked: dict[str, Any] = {}
    status = 200

    def do_POST(self) -> None:
        Search.asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        source = {"telescope": "0m6a.doma.exh", "value_string": "False", "timestampmeasured": RECENT}
        body = json.dumps({"hits": {"hits": [{"_source": source}]}}).encode()
        self.send_response(self.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  its name in the library
        del format, args


def test_the_newest_datum_of_every_telescope_is_asked_of_opensearch_in_one_query() -> None:
    with serving(HTTPServer(("127.0.0.1", 0), Search)) as port:
        monitor = OpenSearchMonitor([f"http://127.0.0.1:{port}"], "telemetry")
        (closure,) = monitor.read(NOW).closures
        assert closure.place == "0m6a.doma.exh"
        assert Search.asked["collapse"] == {"field": "telescope"}
        assert Search.asked["sort"] == [{"timestampmeasured": "desc"}]
        Search.status = 400
        try:
            with pytest.raises(MonitorUnavailable, match="telemetry"):
                monitor.read(NOW)
        finally:
            Search.status = 200


def test_the_simulators_weather_is_the_same_for_the_same_seed() -> None:
    weather = Weather(closed_share=0.5)
    first, second = (SimulatedMonitor(["exh", "xyz"], weather, 3) for _ in range(2))
    closed = 0
    for hour in range(0, 2400, 7):
        at = NOW + timedelta(hours=hour)
        conditions = first.read(at)
        assert conditions == second.read(at)
        assert all(closure.until is not None and closure.until > at for closure in conditions.closures)
        closed += len(conditions.closures)
    assert 0.3 < closed / (2 * len(range(0, 2400, 7))) < 0.7


def test_monitors_are_made_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "monitors.json"
    path.write_text(
        json.dumps(
            [
                {"type": "http", "url": "http://weather.example/", "kind": "seeing", "fields": {"value": "fwhm"}},
                {"type": "simulated", "sites": ["exh"], "closed_share": 0.0},
            ]
        )
    )
    http, simulated = monitors_from(path)
    assert isinstance(http, HttpJsonMonitor)
    assert read_all([simulated], NOW).closures == ()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "cannot be read"),
        ("{}", "list of objects"),
        ('[{"type": "crystal ball"}]', "crystal ball"),
        ('[{"type": "http"}]', "monitor 1"),
        ('[{"type": "http", "url": "x", "kind": "mood"}]', "mood"),
    ],
)
def test_a_wrong_file_of_monitors_is_refused_with_the_reason(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "monitors.json"
    path.write_text(content)
    with pytest.raises(MonitorsInvalid, match=message):
        monitors_from(path)


def test_others_are_found_by_their_entry_point(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from importlib.metadata import EntryPoint

    from armillary.scheduler.monitors import configured

    entry = EntryPoint("ours", "armillary.scheduler.monitors.http_json:HttpJsonMonitor", configured.ENTRY_POINT)
    monkeypatch.setattr(configured, "entry_points", lambda group: [entry] if group == "armillary.monitors" else [])
    path = tmp_path / "monitors.json"
    path.write_text('[{"type": "ours", "url": "http://weather.example/"}]')
    (monitor,) = monitors_from(path)
    assert isinstance(monitor, HttpJsonMonitor)
