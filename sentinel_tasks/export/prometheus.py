"""The Prometheus that watches an exported Compose project: its service and its configuration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .plan import TOKEN, Plan

IMAGE = "prom/prometheus:v3.5.0"
"""The first long-term release that sends headers of one's own (`http_headers` came with 2.55)."""
TOKEN_FILE = "/run/secrets/tes_dev_token"
SECRETS = {"tes_dev_token": {"environment": TOKEN}}


def scraped(plan: Plan) -> tuple[str, ...]:
    """The services whose metrics are asked for: those that count workers, as the Worker Telemetry API does."""
    return tuple(service.name for service in plan.services if service.counts_workers and service.name in plan.ports)


def has_token(plan: Plan) -> bool:
    """True if what is asked wants a token."""
    return any(TOKEN in plan.secrets[name] for name in scraped(plan))


def added(plan: Plan, project: Mapping[str, Any]) -> dict[str, Any]:
    """The project with Prometheus among its services; it answers on loopback."""
    name = "prometheus" if "prometheus" not in project["services"] else "sentinel-prometheus"
    service: dict[str, Any] = {
        "image": IMAGE,
        "volumes": ["./prometheus.yml:/etc/prometheus/prometheus.yml:ro"],
        "ports": ["127.0.0.1:9090:9090"],
        "restart": "unless-stopped",
    }
    secrets = {"secrets": SECRETS} if has_token(plan) else {}
    service |= {key: [*given] for key, given in secrets.items()}
    return {**project, "services": {**project["services"], name: service}, **secrets}


def configuration(plan: Plan) -> dict[str, Any]:
    """What it asks, how often, and with which token."""
    targets = [f"{plan.host(name)}:{plan.ports[name]}" for name in scraped(plan)]
    job: dict[str, Any] = {"job_name": "sentinel", "metrics_path": "/metrics"}
    if has_token(plan):
        job["http_headers"] = {"X-TES-Dev-Token": {"files": [TOKEN_FILE]}}
    job["static_configs"] = [{"targets": targets}]
    return {"global": {"scrape_interval": "15s"}, "scrape_configs": [job]}
