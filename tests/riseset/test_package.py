"""Import, time scales, data, README: what the package promises around its answers."""

from __future__ import annotations

import logging
import os
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import erfa
import numpy as np
import pytest

import armillary.riseset as package
from armillary.riseset import SiderealTarget, Site, acceleration, observable_windows
from armillary.riseset.compiled import arrays, windows
from armillary.riseset.compiled.stars import nodes_of
from armillary.riseset.data.build import packed_ephemeris
from armillary.riseset.daynodes import day_nodes, day_table
from armillary.riseset.ephemeris import barycentric
from armillary.riseset.sky import blocks_of, sky_of
from armillary.riseset.timescales import earth_orientation, tai_from_unix, unix_from_tai
from armillary.riseset.tracks import catalogue, star_nodes

FOLDER = Path(package.__file__).parent


def test_importing_costs_neither_numba_nor_astropy() -> None:
    code = (
        "import sys, time; began = time.process_time(); import numpy, erfa; numpy_s = time.process_time() - began;"
        "began = time.process_time(); import armillary.riseset; own = time.process_time() - began;"
        "assert not {'numba', 'astropy', 'django'} & set(sys.modules), 'heavy';"
        "print(own)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert float(done.stdout) < 0.3


def test_compiling_is_announced_and_done_once(tmp_path: Path) -> None:
    code = (
        "import logging, datetime as d; logging.basicConfig();"
        "from armillary.riseset import *;"
        "t = d.datetime(2026, 3, 1, tzinfo=d.UTC);"
        "observable_windows([SiderealTarget(1.0, 2.0)], [Site(0.0, 0.0)], t, t + d.timedelta(1))"
    )
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}
    words = [
        subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True).stderr
        for _ in range(2)
    ]
    assert words[0].count("compiling") == 1
    assert "compiling" not in words[1]


def test_threads_that_ask_their_first_question_one_after_the_other_all_get_an_answer() -> None:
    # As in a server just started: numba, imported by two threads at once, fails or never returns.
    code = (
        "import threading, time; from datetime import UTC, datetime, timedelta;"
        "from armillary.riseset import *; t = datetime(2026, 3, 1, tzinfo=UTC); answers = []\n"
        "def ask(number):\n"
        "    time.sleep(0.03 * number)\n"
        "    answers.append(observable_windows([SiderealTarget(1.0, 2.0)], [Site(0.0, 0.0)], t, t + timedelta(1)))\n"
        "threads = [threading.Thread(target=ask, args=(number,), daemon=True) for number in range(30)]\n"
        "for thread in threads: thread.start()\n"
        "for thread in threads: thread.join(60)\n"
        "print(len(answers))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.strip() == "30", done.stderr


def test_a_change_in_any_source_of_the_compiled_loops_makes_numba_compile_them_anew() -> None:
    # Numba itself looks at the file of each function alone, and would keep what calls a changed one.
    modules = {path.stem for path in (FOLDER / "compiled").glob("*.py")}
    text = "".join(path.read_text(encoding="utf-8") for path in (FOLDER / "compiled").glob("*.py"))
    borrowed = set(re.findall(r"^from armillary\.riseset\.(\w+) import", text, re.MULTILINE)) - {"compiled"}
    assert borrowed == set(arrays.BORROWED_FROM)
    assert {"arrays", "edges", "windows"} <= modules
    index = windows.star_windows._cache._cache_file  # type: ignore[attr-defined] # numba's own
    stamp = index._source_stamp
    saved = index._load_index()
    assert len(stamp) == 64
    assert saved
    try:
        index._source_stamp = "of other sources"
        assert index._load_index() == {}
    finally:
        index._source_stamp = stamp


def test_where_nothing_may_be_written_the_loops_are_compiled_all_the_same(tmp_path: Path) -> None:
    # As in a container whose file system is read-only: numba finds no folder for its cache.
    code = (
        "import os; os.environ['NUMBA_CACHE_LOCATOR_CLASSES'] = 'UserProvidedCacheLocator';"
        "from armillary.riseset.compiled.stars import fill_equatorial; import numpy as np;"
        "out = np.empty((1, 3)); fill_equatorial(out, np.ones((1, 4, 3))); print(out.shape)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout.strip() == "(1, 3)"


def test_without_numba_the_search_answers_and_asking_for_compiled_loops_is_refused(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(acceleration, "is_available", lambda: False)
    start, end = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 3, tzinfo=UTC)
    with caplog.at_level(logging.WARNING):
        [[windows]] = observable_windows([SiderealTarget(150.0, -20.0)], [Site(-30.0, -70.0)], start, end)
    assert windows
    with pytest.raises(ImportError, match=r"armillary\[fast\]"):
        observable_windows([SiderealTarget(150.0, -20.0)], [Site(-30.0, -70.0)], start, end, compiled=True)


def test_compiled_stars_are_those_of_erfa() -> None:
    random = np.random.default_rng(5)
    stars = [
        SiderealTarget(
            ra,
            dec,
            pm_ra_mas_yr=pm,
            pm_dec_mas_yr=-2.0 * pm,
            parallax_mas=abs(pm) / 10.0,
            radial_velocity_km_s=pm / 50.0,
            epoch=1991.25,
        )
        for ra, dec, pm in random.uniform((0.0, -90.0, -5000.0), (360.0, 90.0, 5000.0), (50, 3)).tolist()
    ]
    days, table = day_nodes(20_500, 20_520), day_table(20_500, 20_520)
    difference = nodes_of(catalogue(stars), table) - star_nodes(catalogue(stars), days)
    assert np.degrees(np.abs(difference).max()) * 3.6e9 < 1.0  # microarcseconds


def test_the_shipped_ephemeris_is_de421_within_its_rounding() -> None:
    import de421
    from jplephem import Ephemeris

    ephemeris = Ephemeris(de421)
    tdb_s = np.linspace(1.1e8, 3.1e9, 500)
    for body, limit_km in (("sun", 0.2), ("mercury", 0.5), ("mars", 0.5), ("jupiter", 2.0), ("neptune", 10.0)):
        expected = ephemeris.position(body, 2_440_587.5, tdb_s / 86_400.0).T
        assert np.abs(barycentric(body, tdb_s)[0] - expected).max() < limit_km
    moon = barycentric("moon", tdb_s)[0] - barycentric("earth", tdb_s)[0]
    assert np.abs(moon - ephemeris.position("moon", 2_440_587.5, tdb_s / 86_400.0).T).max() < 0.01


def test_the_shipped_ephemeris_is_what_its_recipe_makes() -> None:
    made = packed_ephemeris()
    with np.load(FOLDER / "data" / "de421.npz") as shipped:
        assert set(shipped.files) == set(made)
        assert all(np.array_equal(shipped[name], array) for name, array in made.items())


def test_leap_seconds_are_those_of_erfa() -> None:
    days = [datetime(year, month, 1, 12, tzinfo=UTC) for year in range(1973, 2027) for month in (1, 7)]
    expected = [float(erfa.dat(day.year, day.month, 1, 0.5)) for day in days]
    unix = np.array([day.timestamp() for day in days])
    assert (tai_from_unix(unix) - unix).tolist() == expected
    assert unix_from_tai(tai_from_unix(unix)).tolist() == unix.tolist()


def test_earth_rotation_is_that_of_erfa() -> None:
    # T12 is ERFA's own test of era00; here at our times, with our UT1.
    assert erfa.era00(2400000.5, 54388.0) == pytest.approx(0.4022837240028158102, abs=1e-12)
    tai = tai_from_unix(datetime(2026, 3, 1, tzinfo=UTC).timestamp() + np.linspace(0.0, 86_400.0 * 20, 77))
    theta, _, _ = sky_of(blocks_of(tai[0], tai[-1])).earth_rotation(tai)
    ut1 = tai + earth_orientation().at(tai)[0]
    expected = erfa.era00(2_440_587.5, ut1 / 86_400.0)
    difference = (theta - expected + np.pi) % (2.0 * np.pi) - np.pi
    assert np.abs(difference).max() < 2e-10  # 0.04 mas


def test_the_readmes_lines_run() -> None:
    blocks = re.findall(r"```python\n(.*?)```", (FOLDER / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert blocks
    namespace: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, "README.md", "exec"), namespace)  # noqa: S102 - our own README
    assert namespace["windows"]
