"""docker-compose.yml and docker/, without an engine: structure, and that everything they name exists."""

import importlib.util
import json
import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from portal.local.folders import Folders
from portal.local.ports import Ports
from portal.local.proxy import CADDYFILE, find_program, proxy_spec
from wire.settings import KNOWN, PREFIX

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DOCKERFILE = (ROOT / "docker" / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", "")
SCRIPT = (ROOT / "docker" / "prepare-knowledge.sh").read_text(encoding="utf-8")
SERVER_VARIABLES = {"POSTGRES_PASSWORD", "POSTGRES_INITDB_ARGS", "BROKER_PASSWORD"}


def _commands() -> str:
    """Every command line of compose file, Dockerfile and scripts, as one text."""
    of_services = [" ".join(service.get("command", [])) for service in SERVICES.values()]
    of_checks = [" ".join(service.get("healthcheck", {}).get("test", [])) for service in SERVICES.values()]
    of_images = [
        " ".join(json.loads(line)) for line in re.findall(r"^CMD (\[.*\])$", DOCKERFILE, re.MULTILINE)
    ]
    return "\n".join([*of_services, *of_checks, *of_images, SCRIPT.replace("\\\n", "")])


def test_it_follows_the_compose_specification() -> None:
    schema = json.loads(Path(__file__).with_name("compose_schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft7Validator.check_schema(schema)
    jsonschema.Draft7Validator(schema).validate(COMPOSE)


def test_every_part_of_an_installation_is_there() -> None:
    parts = {
        "postgres",
        "valkey",
        "migrate",
        "knowledge",
        "portal",
        "worker",
        "estimator",
        "scheduler",
        "proxy",
    }
    assert parts | {"inference-cpu", "inference-gpu"} == set(SERVICES)


def test_only_the_gpu_profile_reserves_a_gpu() -> None:
    reserving = {name for name, service in SERVICES.items() if "deploy" in service}
    assert reserving == {"inference-gpu"}
    assert SERVICES["inference-gpu"]["environment"]["HMI_DEVICE"] == "cuda"
    assert SERVICES["inference-cpu"]["environment"]["HMI_DEVICE"] == "cpu"
    profiles = {name: service["profiles"] for name, service in SERVICES.items() if "profiles" in service}
    assert profiles == {"inference-cpu": ["cpu"], "inference-gpu": ["gpu"]}


def test_everything_that_goes_on_running_has_a_health_check() -> None:
    running = {name for name, service in SERVICES.items() if service["restart"] == "unless-stopped"}
    assert running == {name for name, service in SERVICES.items() if "healthcheck" in service}
    assert set(SERVICES) - running == {"migrate", "knowledge"}


def test_every_setting_has_a_name_that_programs_read() -> None:
    names = {name for service in SERVICES.values() for name in service.get("environment", {})}
    placeholders = set(re.findall(r"\{\$(\w+)\}", CADDYFILE.read_text(encoding="utf-8")))
    assert {name for name in names if name.startswith(PREFIX)} <= KNOWN
    assert {name for name in names if not name.startswith(PREFIX)} == placeholders | SERVER_VARIABLES


def test_no_secret_stands_in_the_file() -> None:
    for service in SERVICES.values():
        for name, value in service.get("environment", {}).items():
            if re.search(r"PASSWORD|SECRET|://[^/]*@", f"{name} {value}"):
                secrets = re.findall(r"\$\{(\w+):\?\}", value)
                assert secrets, f"{name} must come from a variable that is required"
                assert not re.search(r"://\w*:(?!\$\{)[^@/]+@", value), name


def test_portal_and_worker_hold_no_right_to_change_tables() -> None:
    for name in ("portal", "worker", "knowledge"):
        assert not {"HMI_DATABASE_OWNER_URL", "HMI_DATABASE_ADMIN_URL"} & set(SERVICES[name]["environment"])


def test_the_inference_service_holds_no_secret_of_the_portal() -> None:
    for name in ("inference-cpu", "inference-gpu"):
        assert not {"HMI_SECRET_KEY", "HMI_DATABASE_URL", "HMI_BROKER_URL"} & set(
            SERVICES[name]["environment"]
        )


def test_every_variable_is_told_in_the_documentation() -> None:
    documented = (ROOT / "docs" / "installation.md").read_text(encoding="utf-8")
    variables = set(re.findall(r"(?<!\$)\$\{(\w+)", TEXT)) | {
        secret["environment"] for secret in COMPOSE["secrets"].values()
    }
    assert {name for name in variables if f"`{name}`" not in documented} == set()


def test_what_is_depended_on_exists_and_can_meet_the_condition() -> None:
    for service in SERVICES.values():
        for needed, how in service.get("depends_on", {}).items():
            if how["condition"] == "service_healthy":
                assert "healthcheck" in SERVICES[needed]
            else:
                assert how["condition"] == "service_completed_successfully"
                assert SERVICES[needed]["restart"].startswith("on-failure")


def test_every_volume_is_declared_and_used_and_every_mounted_file_exists() -> None:
    mounts = [mount.split(":")[0] for service in SERVICES.values() for mount in service.get("volumes", [])]
    assert {mount for mount in mounts if not mount.startswith(".")} == set(COMPOSE["volumes"])
    assert all((ROOT / mount).is_file() for mount in mounts if mount.startswith("."))


def test_folders_of_settings_are_mounted_and_made_for_the_user_of_the_image() -> None:
    for name in ("portal", "worker", "knowledge", "inference-cpu", "inference-gpu"):
        service = SERVICES[name]
        mounted = {mount.split(":")[1] for mount in service["volumes"]}
        assert all(folder in DOCKERFILE for folder in mounted), (
            "made in the image, or its volume would be root's"
        )
        for value in service["environment"].values():
            if match := re.search(r"(?:^|://)(/var/lib/hmi/\w+)", value):
                needed = name != "knowledge" or match[1].endswith("store")
                assert match[1] in mounted or not needed, (name, match[1])


def test_every_build_names_a_stage_that_exists() -> None:
    stages = set(re.findall(r"^FROM \S+ AS (\w+)$", DOCKERFILE, re.MULTILINE))
    for service in SERVICES.values():
        if "build" in service:
            assert (ROOT / service["build"]["context"] / service["build"]["dockerfile"]).is_file()
            assert service["build"]["target"] in stages
            assert set(service["build"]["args"]) <= set(re.findall(r"^ARG (\w+)", DOCKERFILE, re.MULTILINE))


def test_everything_that_is_copied_exists_and_passes_the_ignore_file() -> None:
    ignore = (ROOT / "docker" / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    kept = [line[1:] for line in ignore if line.startswith("!")]
    for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE):
        for source in line.split()[:-1]:
            assert (ROOT / source).exists(), source
            assert any(source.rstrip("/").startswith(part) for part in kept), source


def test_every_module_that_is_run_exists() -> None:
    modules = set(re.findall(r"python -m ([\w.]+)", _commands())) | {
        "portal.config.asgi",
        "portal.config.celery",
    }
    assert {"uvicorn", "celery", "hmi.cli"} <= modules
    assert {module for module in modules if importlib.util.find_spec(module) is None} == set()


def test_every_command_of_manage_py_exists() -> None:
    ours = {file.stem for file in (ROOT / "platform" / "portal").glob("*/management/commands/[a-z]*.py")}
    used = set(re.findall(r"manage\.py (\w+)", _commands()))
    assert used == {"database_prepare", "migrate", "operator_ensure", "catalog_register"}
    assert used <= ours | {"migrate"}


@pytest.mark.parametrize("command", [("backbone", "prepare"), ("plot", "build"), ("serve",)])
def test_every_option_of_the_data_plane_exists(command: tuple[str, ...]) -> None:
    line = next(line for line in _commands().splitlines() if f"hmi.cli {' '.join(command)}" in line)
    assert set(re.findall(r" (--[a-z-]+)", line)) <= _options(command)


@cache
def _options(command: tuple[str, ...]) -> set[str]:
    shown = subprocess.run(
        [sys.executable, "-m", "hmi.cli", *command, "--help"],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    return set(re.findall(r"(--[a-z-]+)", shown.stdout))


def test_the_proxy_finds_portal_and_service_where_they_listen() -> None:
    proxy = SERVICES["proxy"]["environment"]
    assert proxy["PORTAL_UPSTREAM"] == "portal:8401"
    assert '"--port", "8401"' in DOCKERFILE
    for name in ("inference-cpu", "inference-gpu"):
        aliases = SERVICES[name]["networks"]["default"]["aliases"]
        assert (
            proxy["SERVICE_UPSTREAM"] == f"{aliases[0]}:{SERVICES[name]['environment']['HMI_SERVICE_PORT']}"
        )


@pytest.mark.parametrize("kind", ["embedded", "compose"])
def test_caddy_accepts_the_shared_file(kind: str, tmp_path: Path) -> None:
    if kind == "embedded":
        chosen = dict(proxy_spec(Folders(tmp_path), Ports(8400), "127.0.0.1").env)
    else:
        chosen = {
            name: re.sub(r"^\$\{\w+:-(.*)\}$", r"\1", value)
            for name, value in SERVICES["proxy"]["environment"].items()
        }
    adapted = subprocess.run(
        [find_program(), "adapt", "--config", CADDYFILE, "--adapter", "caddyfile"],
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), **chosen},
        capture_output=True,
        text=True,
        check=False,
    )
    assert adapted.returncode == 0, adapted.stderr
    upstreams = re.findall(r'"dial":"([^"]+)"', adapted.stdout)
    assert sorted(upstreams) == sorted([chosen["PORTAL_UPSTREAM"], chosen["SERVICE_UPSTREAM"]])
    assert ":8400" in adapted.stdout
