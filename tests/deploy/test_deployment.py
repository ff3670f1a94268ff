"""What is in ``deploy/`` starts programs that exist, with settings that exist, from files that exist."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from go_templates import TemplateError, render

from armillary.cli.main import application
from armillary.configuration import Configuration, load

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
CHART = DEPLOY / "helm" / "armillary"
SECRET = {
    "ARMILLARY_SECRET_KEY": "a secret of more than thirty-two characters",
    "ARMILLARY_DATABASE_URL": "postgresql://armillary:secret@database/armillary",
    "ARMILLARY_API_TOKEN": "0123456789abcdef",
}


def _require_a_command(arguments: Iterable[str]) -> None:
    """Parse a command line as the program would, without running it."""
    command: Any = typer.main.get_command(application)
    words = list(arguments)
    while hasattr(command, "commands"):
        name = words.pop(0)
        found = command.commands.get(name)
        assert found is not None, f"armillary has no command {name!r}"
        command = found
    command.make_context(command.name, words)


def test_a_command_or_an_option_that_does_not_exist_is_found_out() -> None:
    with pytest.raises(AssertionError, match="has no command 'sevre'"):
        _require_a_command(["sevre"])
    with pytest.raises(Exception, match="No such option"):
        _require_a_command(["serve", "--prot", "8000"])


def _require_settings(environment: Mapping[str, Any]) -> Configuration:
    assert all(isinstance(value, str) for value in environment.values()), environment
    return load({name: value for name, value in environment.items() if name.startswith("ARMILLARY_")})


# --- The image


def _instructions() -> list[tuple[str, str]]:
    text = re.sub(r"\\\n\s*", " ", (DEPLOY / "Dockerfile").read_text(encoding="utf-8"))
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(line.split(" ", 1)[0], line.split(" ", 1)[1]) for line in lines]


def test_the_image_copies_only_what_is_in_the_repository_and_not_kept_from_it() -> None:
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    assert lines[0] == "*", "nothing gets in but what is named"
    let_in = [line.removeprefix("!") for line in lines if line.startswith("!")]
    for instruction, words in _instructions():
        if instruction != "COPY" or words.startswith("--from"):
            continue
        for source in shlex.split(words)[:-1]:
            assert (ROOT / source).exists(), source
            assert any(f"{name}/".startswith(source) or source == name for name in let_in), source


def test_the_image_starts_the_server_and_runs_as_nobody_special() -> None:
    found = dict(_instructions())
    assert json.loads(found["ENTRYPOINT"]) == ["armillary"]
    _require_a_command(json.loads(found["CMD"]))
    assert found["USER"] not in {"root", "0"}
    assert f"-uid {10001}" in " ".join(words for _, words in _instructions())


def test_the_image_installs_nothing_that_is_not_pinned() -> None:
    (install,) = [words for name, words in _instructions() if name == "RUN" and "requirements" in words]
    assert "--require-hashes" in install
    assert "--hash=sha256:" in (ROOT / "requirements" / "runtime.txt").read_text(encoding="utf-8")


# --- Compose


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    text = (
        (DEPLOY / "compose.yaml")
        .read_text(encoding="utf-8")
        .replace("${POSTGRES_PASSWORD:?set it in deploy/.env}", "p")
    )
    assert "${" not in text
    return dict(yaml.safe_load(text))


def test_every_service_of_compose_runs_a_command_that_exists_with_settings_that_exist(compose: dict[str, Any]) -> None:
    ours = {name: it for name, it in compose["services"].items() if "armillary" in it["image"]}
    assert set(ours) == {"migrate", "web", "worker", "scheduler"}
    for service in ours.values():
        _require_a_command(service.get("command") or ["serve"])
        _require_settings({**SECRET, "ARMILLARY_PUBLIC_URL": "https://o.example", **service["environment"]})
        assert (DEPLOY / service["build"]["context"] / service["build"]["dockerfile"]).is_file()


def test_what_services_of_compose_depend_on_is_there_and_can_be_waited_for(compose: dict[str, Any]) -> None:
    services = compose["services"]
    for service in services.values():
        wanted = service.get("depends_on") or {}
        for name in wanted:
            assert name in services
            if isinstance(wanted, dict) and wanted[name]["condition"] == "service_healthy":
                assert "healthcheck" in services[name]
        for volume in service.get("volumes") or ():
            assert volume.split(":")[0] in compose["volumes"]


def test_the_servers_name_in_compose_is_one_it_answers_to(compose: dict[str, Any]) -> None:
    hosts = {
        value.split("/")[2].split(":")[0]
        for name, value in compose["services"]["scheduler"]["environment"].items()
        if name.endswith("_URL")
    }
    web = _require_settings({**SECRET, **compose["services"]["web"]["environment"]})
    assert hosts <= set(web.allowed_hosts)


# --- The chart


def _documents(changes: Mapping[str, Any]) -> list[dict[str, Any]]:
    values = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
    for path, value in changes.items():
        place = values
        *parents, last = path.split(".")
        for parent in parents:
            place = place[parent]
        assert last in place, path
        place[last] = value
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))
    root = {
        "Values": values,
        "Chart": {"AppVersion": chart["appVersion"], "Name": chart["name"]},
        "Release": {"Name": "obs", "Service": "Helm", "Namespace": "default"},
    }
    definitions: dict[str, Any] = {}
    render((CHART / "templates" / "_names.tpl").read_text(encoding="utf-8"), root, definitions)
    rendered = [
        render(path.read_text(encoding="utf-8"), root, definitions)
        for path in sorted((CHART / "templates").glob("*.yaml"))
    ]
    return [document for text in rendered for document in yaml.safe_load_all(text) if document]


VARIANTS: list[dict[str, Any]] = [
    {},
    {"archiveStore": "s3://frames/armillary?endpoint_url=https://s3.example.org", "persistence.enabled": False},
    {"ingress.enabled": True, "ingress.className": "nginx", "ingress.tlsSecret": "certificate"},
    {"settings": {"ARMILLARY_LOG_LEVEL": "DEBUG", "ARMILLARY_DAYS_UNTIL_PUBLIC": 30}, "scheduler.enabled": False},
    {"web.resources": {"requests": {"cpu": "500m", "memory": "1Gi"}}, "persistence.storageClass": "fast"},
]


@pytest.fixture(params=VARIANTS, ids=[", ".join(it) or "as it comes" for it in VARIANTS])
def documents(request: pytest.FixtureRequest) -> list[dict[str, Any]]:
    """The chart's objects for different values."""
    return _documents(request.param)


def _deployments(documents: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [it for it in documents if it["kind"] == "Deployment"]


def _containers(documents: list[dict[str, Any]]) -> list[dict[str, Any]]:
    specs = [it["spec"]["template"]["spec"] for it in _deployments(documents)]
    return [container for spec in specs for container in (*spec.get("initContainers", ()), *spec["containers"])]


def test_every_container_of_the_chart_runs_a_command_that_exists_with_settings_that_exist(
    documents: list[dict[str, Any]],
) -> None:
    containers = _containers(documents)
    assert {it["name"] for it in containers} >= {"web", "worker", "migrate"}
    for container in containers:
        _require_a_command(container["args"])
        environment = {it["name"]: it["value"] for it in container["env"]}
        assert len(environment) == len(container["env"]), "a name is given twice"
        _require_settings({**SECRET, **environment})
        assert container["image"] == f"armillary:{yaml.safe_load((CHART / 'Chart.yaml').read_text())['appVersion']}"


def test_selectors_find_their_pods_and_services_their_ports(documents: list[dict[str, Any]]) -> None:
    pods = {it["metadata"]["name"]: it["spec"]["template"] for it in _deployments(documents)}
    for deployment in _deployments(documents):
        wanted = deployment["spec"]["selector"]["matchLabels"].items()
        matching = [name for name, pod in pods.items() if wanted <= pod["metadata"]["labels"].items()]
        assert matching == [deployment["metadata"]["name"]]
    (service,) = [it for it in documents if it["kind"] == "Service"]
    (web,) = [pod for pod in pods.values() if service["spec"]["selector"].items() <= pod["metadata"]["labels"].items()]
    ports = {port["name"] for container in web["spec"]["containers"] for port in container["ports"]}
    assert {it["targetPort"] for it in service["spec"]["ports"]} <= ports
    for ingress in (it for it in documents if it["kind"] == "Ingress"):
        backend = ingress["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]
        assert backend["name"] == service["metadata"]["name"]
        assert backend["port"]["name"] in {it["name"] for it in service["spec"]["ports"]}


def test_volumes_that_are_mounted_are_there(documents: list[dict[str, Any]]) -> None:
    claims = {it["metadata"]["name"] for it in documents if it["kind"] == "PersistentVolumeClaim"}
    for deployment in _deployments(documents):
        spec = deployment["spec"]["template"]["spec"]
        volumes = {it["name"]: it for it in spec.get("volumes", ())}
        for container in (*spec.get("initContainers", ()), *spec["containers"]):
            assert {it["name"] for it in container.get("volumeMounts", ())} <= set(volumes)
        for volume in volumes.values():
            if "persistentVolumeClaim" in volume:
                assert volume["persistentVolumeClaim"]["claimName"] in claims


def test_processes_reach_the_server_by_a_name_it_answers_to(documents: list[dict[str, Any]]) -> None:
    by_name = {it["name"]: {one["name"]: one["value"] for one in it["env"]} for it in _containers(documents)}
    web = _require_settings({**SECRET, **by_name["web"]})
    (service,) = [it["metadata"]["name"] for it in documents if it["kind"] == "Service"]
    assert service in web.allowed_hosts
    for name, value in by_name.get("scheduler", {}).items():
        assert not name.endswith("_URL") or value.split("/")[2] == service, name


def test_nothing_runs_as_root_and_there_is_one_scheduler(documents: list[dict[str, Any]]) -> None:
    for deployment in _deployments(documents):
        assert deployment["spec"]["template"]["spec"]["securityContext"]["runAsNonRoot"] is True
    schedulers = [it for it in _deployments(documents) if it["metadata"]["name"].endswith("-scheduler")]
    assert all(it["spec"]["replicas"] == 1 for it in schedulers)


def test_several_web_processes_do_not_share_a_volume_that_only_one_machine_can_mount() -> None:
    with pytest.raises(TemplateError, match="ReadWriteMany"):
        _documents({"web.replicas": 3, "persistence.accessMode": "ReadWriteOnce"})
    assert _documents({"web.replicas": 3, "persistence.accessMode": "ReadWriteMany"})


@pytest.mark.skipif(shutil.which("helm") is None, reason="helm is not installed here")
def test_helms_own_linter_has_no_objection() -> None:
    outcome = subprocess.run(["helm", "lint", "--strict", str(CHART)], capture_output=True, text=True, check=False)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
