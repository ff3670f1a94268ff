from __future__ import annotations

import pytest

from armillary.web.templatetags.plain_words import duration, words


def test_constants_are_said_in_words() -> None:
    assert words("WINDOW_EXPIRED") == "window expired"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(45, "45 s"), (59.6, "1 min 00 s"), (973, "16 min 13 s"), (7500, "2 h 05 min"), (None, "unknown")],
)
def test_durations_are_said_as_people_say_them(seconds: float | None, said: str) -> None:
    assert duration(seconds) == said
