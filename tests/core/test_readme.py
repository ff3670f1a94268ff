"""What the README shows is what happens."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


def test_the_example_of_the_readme_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    text = (ROOT / "src" / "armillary" / "core" / "README.md").read_text()
    found = re.search(r"```python\n(.*?)```", text, re.DOTALL)
    assert found
    code = found.group(1).replace('json.load(open("examples/small_observatory.json"))', "SITES")
    import json

    names: dict[str, Any] = {"SITES": json.loads((ROOT / "examples" / "small_observatory.json").read_text())}
    exec(code, names)  # noqa: S102  the README is ours
    checked = names["checked"]
    assert checked.errors == {}
    shown = checked.durations[0].breakdown()
    assert (shown["instrument_change"], shown["optical_change"], shown["exposure"]) == (45.0, 4.0, 60.0)
    [(start, end)] = checked.visibility[0].by_telescope["exh.doma.0m6a"]
    assert f"{start:%Y-%m-%d %H:%M:%S}" in text
    assert f"{end:%Y-%m-%d %H:%M:%S}" in text
    assert checked.document["configurations"][0]["instrument_configs"][0]["mode"] == "full_1x1"
