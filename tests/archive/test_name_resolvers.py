"""Names that are not known offline can be asked of others, if the observatory wants that."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from armillary.archive.sky import resolver, sesame
from armillary.archive.sky.resolver import UnknownName, further_resolvers, resolve
from armillary.configuration import ConfigurationError

# Source: an answer of Sesame (format -oI) for the star of the first planet found around a Sun-like star, 51 Peg.
ANSWER = """# 51 Peg	#Q22523
#=S=Simbad (CDS, via client/server):    1     0ms
%@ 1471968
%C.0 PM*
%J 344.3665855 +20.7688325 = 22:57:27.98 +20:46:07.79
"""


@pytest.fixture
def answers() -> Iterator[tuple[str, list[str], list[int]]]:
    """An address that answers like Sesame, what it was asked, and statuses to answer with."""
    asked: list[str] = []
    statuses: list[int] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path.partition("?")[2])
            content = (ANSWER if "Peg" in self.path else "#! No object found\n").encode()
            self.send_response(statuses.pop() if statuses else 200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/nph-sesame/-oI/SNV", asked, statuses
    server.shutdown()
    server.server_close()
    thread.join()


def test_an_answer_of_sesame_is_understood_and_remembered(answers: tuple[str, list[str], list[int]]) -> None:
    address, asked, _ = answers
    for _ in range(2):
        place = sesame.resolve_online("51 Peg", address=address)
        assert place is not None
        assert (place.ra_deg, place.dec_deg) == (344.3665855, 20.7688325)
    assert asked == ["51%20Peg"]
    assert sesame.resolve_online("Nowhere", address=address) is None
    assert sesame.resolve_online("x" * 100, address=address) is None


def test_an_outage_of_sesame_is_no_failure_and_not_remembered(answers: tuple[str, list[str], list[int]]) -> None:
    address, _, statuses = answers
    statuses.append(503)
    assert sesame.resolve_online("61 Peg", address=address) is None
    assert sesame.resolve_online("61 Peg", address=address) is not None
    assert sesame.resolve_online("71 Peg", address="http://127.0.0.1:9") is None


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, str], None]]:
    """Install a package with a resolver: ``installed("ours", "module text")``."""

    def install(name: str, text: str) -> None:
        (tmp_path / f"{name}_package.py").write_text(text)
        metadata = tmp_path / f"{name}_package-1.0.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}_package\nVersion: 1.0\n")
        (metadata / "entry_points.txt").write_text(f"[{resolver.GROUP}]\n{name} = {name}_package:find\n")
        monkeypatch.syspath_prepend(tmp_path)

    yield install
    further_resolvers.cache_clear()


def test_an_observatory_adds_resolvers_of_its_own(
    installed: Callable[[str, str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    installed(
        "survey",
        "from armillary.archive.sky.resolver import Place\n"
        "def find(name):\n    return Place(name, 1.5, -2.5) if name == 'FIELD-7' else None\n",
    )
    with pytest.raises(UnknownName):
        resolve("FIELD-7")
    settings = resolver.configuration().model_copy(update={"archive_name_resolvers": ("survey",)})
    monkeypatch.setattr(resolver, "configuration", lambda: settings)
    assert (resolve("FIELD-7").ra_deg, resolve("FIELD-7").dec_deg) == (1.5, -2.5)
    assert resolve("M 31").ra_deg == pytest.approx(10.68, abs=0.01)
    with pytest.raises(UnknownName):
        resolve("FIELD-8")


def test_a_resolver_that_is_not_installed_is_named() -> None:
    with pytest.raises(ConfigurationError, match="'gone', which is not installed"):
        further_resolvers(("gone",))
