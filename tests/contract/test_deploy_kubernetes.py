"""The Kubernetes files: they parse, refer to what exists, and hold the same rights and ports as everything else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from chassis.settings import SERVICES, Settings
from deploy.local.ports import OFFSETS
from tests.support.commands import assert_runs

FOLDER = Path(__file__).parents[2] / "deploy" / "kubernetes"
COMPOSE = FOLDER.parent / "compose.yaml"
NAME = "app.kubernetes.io/name"
COMPONENT = "app.kubernetes.io/component"
PROCESSES = ("gateway", *SERVICES, "relay", "sender")


def objects() -> Iterator[dict[str, Any]]:
    for path in sorted(FOLDER.glob("*.yaml")):
        for document in yaml.safe_load_all(path.read_text(encoding="utf-8")):
            yield from document["items"] if document["kind"] == "List" else [document]


def named(kind: str) -> dict[str, dict[str, Any]]:
    return {found["metadata"]["name"]: found for found in objects() if found["kind"] == kind}


DEPLOYMENTS = named("Deployment")
WORKLOADS = {**DEPLOYMENTS, **named("Job")}


def pod_of(name: str) -> dict[str, Any]:
    template: dict[str, Any] = WORKLOADS[name]["spec"]["template"]
    return template


def container_of(name: str) -> dict[str, Any]:
    (only,) = pod_of(name)["spec"]["containers"]
    found: dict[str, Any] = only
    return found


def secrets_of(name: str) -> set[str]:
    volumes = [volume["secret"] for volume in pod_of(name)["spec"]["volumes"] if "secret" in volume]
    assert all(volume["secretName"] == "tukiverkko-secrets" for volume in volumes)
    assert all(item["key"] == item["path"] for volume in volumes for item in volume["items"])
    return {item["key"] for volume in volumes for item in volume["items"]}


def test_the_kustomization_names_every_file_beside_it() -> None:
    (found,) = (document for document in objects() if document["kind"] == "Kustomization")
    assert set(found["resources"]) == {path.name for path in FOLDER.glob("*.yaml")} - {"kustomization.yaml"}
    assert {container_of(name)["image"] for name in WORKLOADS} == {image["name"] for image in found["images"]}
    assert found["namespace"] in named("Namespace")


def test_there_is_one_deployment_for_each_process() -> None:
    assert set(DEPLOYMENTS) == set(PROCESSES)
    assert set(WORKLOADS) == {*PROCESSES, "migrate"}


@pytest.mark.parametrize("name", WORKLOADS)
def test_commands_exist(name: str) -> None:
    command = container_of(name)["command"]
    assert_runs(command)
    assert command[-1] == name


@pytest.mark.parametrize("name", WORKLOADS)
def test_pods_have_no_rights(name: str) -> None:
    spec, container = pod_of(name)["spec"], container_of(name)
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["runAsUser"] == 10001
    assert spec["automountServiceAccountToken"] is False
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    mounts = {mount["name"]: mount for mount in container["volumeMounts"]}
    assert set(mounts) == {volume["name"] for volume in spec["volumes"]}
    assert all(mount.get("readOnly") for key, mount in mounts.items() if key != "tmp")


@pytest.mark.parametrize("name", WORKLOADS)
def test_a_pod_gets_the_secrets_that_its_container_in_compose_gets(name: str) -> None:
    compose = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))["services"][name]
    assert secrets_of(name) == set(compose.get("secrets", []))


@pytest.mark.parametrize("name", PROCESSES)
def test_probes_ask_the_health_pages_at_the_port_of_the_process(name: str) -> None:
    container = container_of(name)
    assert container["ports"] == [{"name": "http", "containerPort": 8080 + OFFSETS[name]}]
    paths = {kind: container[f"{kind}Probe"]["httpGet"] for kind in ("liveness", "readiness", "startup")}
    assert {kind: probe["path"] for kind, probe in paths.items()} == {
        "liveness": "/health/live",
        "readiness": "/health/ready",
        "startup": "/health/live",
    }
    assert {probe["port"] for probe in paths.values()} == {"http"}


def test_services_and_settings_agree_on_names_and_ports() -> None:
    settings = Settings.load(named("ConfigMap")["tukiverkko-settings"]["data"])
    ports = {name: found["spec"]["ports"][0] for name, found in named("Service").items()}
    assert set(ports) == {"gateway", *SERVICES}
    for name, port in ports.items():
        assert port == {"name": "http", "port": settings.port_of(name), "targetPort": "http"}
        assert named("Service")[name]["spec"]["selector"].items() <= pod_of(name)["metadata"]["labels"].items()
    for service in SERVICES:
        assert settings.url_of(service) == f"http://{service}:{settings.port_of(service)}"


@pytest.mark.parametrize("name", WORKLOADS)
def test_settings_that_a_pod_names_exist_and_labels_match(name: str) -> None:
    assert [source["configMapRef"]["name"] for source in container_of(name)["envFrom"]] == ["tukiverkko-settings"]
    labels = pod_of(name)["metadata"]["labels"]
    assert labels[NAME] == name
    if name in DEPLOYMENTS:
        assert DEPLOYMENTS[name]["spec"]["selector"]["matchLabels"].items() <= labels.items()


def test_everything_is_shut_and_each_door_that_is_open_has_somebody_behind_it() -> None:
    policies = named("NetworkPolicy")
    assert policies["nothing-by-default"]["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    components = {pod_of(name)["metadata"]["labels"][COMPONENT] for name in WORKLOADS}
    assert components == {"gateway", "service", "relay", "migrate"}
    assert set(labels_in(policies)) <= components
    (expression,) = policies["database-and-broker"]["spec"]["podSelector"]["matchExpressions"]
    assert set(expression["values"]) == components - {"gateway"}
    entered = {name for name, policy in policies.items() if policy["spec"].get("ingress")}
    assert entered == {"gateway", "services", "access"}


def test_every_process_reaches_access_and_the_world_is_for_access_and_the_sender_of_mail_alone() -> None:
    policies = {name: policy["spec"] for name, policy in named("NetworkPolicy").items()}
    port = [{"protocol": "TCP", "port": Settings.load({}).port_of("access")}]
    access, services = {"matchLabels": {NAME: "access"}}, {"matchLabels": {COMPONENT: "service"}}
    assert policies["services-to-access"]["podSelector"] == services
    assert policies["services-to-access"]["egress"] == [{"to": [{"podSelector": access}], "ports": port}]
    assert policies["access"]["podSelector"] == access
    assert policies["access"]["ingress"] == [{"from": [{"podSelector": services}], "ports": port}]
    assert policies["access"]["egress"] == [{"ports": [{"protocol": "TCP", "port": 443}]}]
    free = {name for name, spec in policies.items() for rule in spec.get("egress", []) if "to" not in rule}
    assert free == {"names", "access", "database-and-broker", "sender"}
    assert policies["sender"]["podSelector"] == {"matchLabels": {NAME: "sender"}}
    assert policies["sender"]["egress"] == [{"ports": [{"protocol": "TCP", "port": each} for each in (465, 587)]}]


def labels_in(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if COMPONENT in value:
            yield value[COMPONENT]
        for inner in value.values():
            yield from labels_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from labels_in(inner)
