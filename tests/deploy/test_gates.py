"""What is checked before a commit, by hand and by continuous integration is the same."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]


def _words(command: str) -> str:
    """A command without its path, its environment, and how it is told which files."""
    command = re.sub(r"\$\(BIN\)/|\.venv/bin/|^env |\b[A-Z_]+=\S+ ", "", command)
    return re.sub(r" (\.|--no-cache)$", "", command.strip())


def _check_target() -> list[str]:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    recipe = re.search(r"^check:[^\n]*\n((?:\t[^\n]*\n)+)", makefile, re.MULTILINE)
    assert recipe is not None
    return [_words(line) for line in recipe[1].splitlines()]


def test_a_commit_passes_the_same_gates_as_make_check() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"][0]["hooks"]
    assert sorted(_words(hook["entry"]) for hook in hooks) == sorted(_check_target())


def test_continuous_integration_runs_the_gates_and_all_tests() -> None:
    lines = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if line.startswith("make ")] == ["make check", "make test"]
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o111


def test_every_task_of_the_makefile_explains_itself() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    explained = set(re.findall(r"^([a-z-]+):.*## ", makefile, re.MULTILINE))
    assert targets == explained
    assert {"demo", "test", "check", "docs", "help"} <= targets


def test_every_component_says_what_it_is() -> None:
    components = [path for path in (ROOT / "src" / "armillary").iterdir() if (path / "__init__.py").exists()]
    without = [path.name for path in components if not (path / "README.md").exists()]
    assert without == []


def test_pages_of_the_documentation_are_where_the_navigation_says() -> None:
    text = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    generated = {"reference/settings.md", "reference/commands.md", "reference/http-api.md"}
    named = set(re.findall(r": ([\w/-]+\.md)$", text, re.MULTILINE)) - generated
    assert named
    assert [name for name in sorted(named) if not (ROOT / "docs" / name).exists()] == []
