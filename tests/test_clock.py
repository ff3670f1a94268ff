from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from armillary import clock

EVENING = datetime(2026, 11, 23, 17, 0, tzinfo=UTC)


def test_without_a_clock_file_it_is_the_real_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(clock.CLOCK_FILE_VARIABLE, raising=False)
    real = datetime.fromtimestamp(time.time(), UTC)
    assert abs(clock.now() - real) < timedelta(seconds=1)
    assert clock.speed() == 1.0


def test_a_frozen_clock_stands_still(set_clock: Callable[..., None]) -> None:
    set_clock(EVENING)
    assert clock.now() == EVENING
    time.sleep(0.02)
    assert clock.now() == EVENING


def test_a_fast_clock_runs_at_its_speed(set_clock: Callable[..., None]) -> None:
    set_clock(EVENING, speed=3600.0)
    began = time.monotonic()
    time.sleep(0.05)
    passed = (clock.now() - EVENING).total_seconds()
    assert 0.05 * 3600 <= passed <= (time.monotonic() - began + 0.5) * 3600


def test_a_clock_that_is_set_again_is_noticed(set_clock: Callable[..., None]) -> None:
    set_clock(EVENING)
    assert clock.now() == EVENING
    set_clock(EVENING + timedelta(days=1))
    assert clock.now() == EVENING + timedelta(days=1)


def test_in_production_a_clock_file_is_refused(set_clock: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    set_clock(EVENING)
    monkeypatch.setenv("ARMILLARY_MODE", "production")
    with pytest.raises(clock.ClockError, match="in production the clock cannot be changed"):
        clock.now()


def test_a_missing_clock_file_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(clock.CLOCK_FILE_VARIABLE, str(tmp_path / "nowhere.json"))
    with pytest.raises(clock.ClockError, match=r"nowhere\.json"):
        clock.now()


@pytest.mark.parametrize(
    "content",
    [
        "not json",
        "{}",
        '{"real": "2026-01-01T00:00:00", "observatory": "2026-01-01T00:00:00", "speed": 1}',
        '{"real": "2026-01-01T00:00:00+00:00", "observatory": "soon", "speed": 1}',
    ],
)
def test_a_malformed_clock_file_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: str) -> None:
    path = tmp_path / "clock.json"
    path.write_text(content)
    monkeypatch.setenv(clock.CLOCK_FILE_VARIABLE, str(path))
    with pytest.raises(clock.ClockError):
        clock.now()


def test_a_clock_cannot_run_backwards_or_be_set_to_a_time_without_a_zone(tmp_path: Path) -> None:
    with pytest.raises(clock.ClockError, match="backwards"):
        clock.set_clock(tmp_path / "clock.json", EVENING, -1.0)
    with pytest.raises(clock.ClockError, match="timezone-aware"):
        clock.set_clock(tmp_path / "clock.json", EVENING.replace(tzinfo=None), 1.0)


def test_sleeping_ends_when_the_clock_is_set_forward(set_clock: Callable[..., None]) -> None:
    set_clock(EVENING)
    woken = threading.Event()

    def sleep() -> None:
        clock.sleep_until(EVENING + timedelta(hours=1))
        woken.set()

    threading.Thread(target=sleep, daemon=True).start()
    assert not woken.wait(0.1)
    set_clock(EVENING + timedelta(hours=2))
    assert woken.wait(5)


def test_sleeping_is_bounded_in_real_time_when_asked_to(set_clock: Callable[..., None]) -> None:
    set_clock(EVENING)
    clock.sleep_until(EVENING + timedelta(hours=1), at_most_real_s=0.05)
    assert clock.now() == EVENING


def test_the_clock_file_is_never_seen_half_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "clock.json"
    clock.set_clock(path, EVENING, 0.0)
    monkeypatch.setenv(clock.CLOCK_FILE_VARIABLE, str(path))
    stop = threading.Event()

    def rewrite() -> None:
        while not stop.is_set():
            clock.set_clock(path, EVENING, 0.0)

    writer = threading.Thread(target=rewrite)
    writer.start()
    try:
        assert {clock.now() for _ in range(500)} == {EVENING}
    finally:
        stop.set()
        writer.join()
    assert [it.name for it in tmp_path.iterdir()] == ["clock.json"]
