"""The page of the Worker Telemetry API: endpoints and bodies from its OpenAPI document, metrics from its collector."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from inspect import cleandoc
from typing import Any

from sentinel_tasks.api.metrics import WorkerCollector
from sentinel_tasks.api.model import RegistryDocument, Summary
from sentinel_tasks.api.openapi import ANY_PROBLEM, specification

NAME = "api.md"
HEAD = """# Worker Telemetry API

Made from the code by `make reference`; a test holds that it is current. What an endpoint promises is said in the
[contract](../contract.md#endpoints), who may ask it under [Access](../contract.md#access). The running API gives the
same as an OpenAPI document at `/openapi.json`.

## Endpoints

| request | body | answers |
|---|---|---|
"""
METHODS = ("get", "put", "post", "delete")


def page() -> str:
    """The whole page."""
    document: Mapping[str, Any] = specification(True)
    problems = "".join(f"- {code}: {why}\n" for code, why in ANY_PROBLEM.items())
    parts = [
        HEAD,
        *_endpoints(document["paths"]),
        f"\nAny request may be refused with the document `Problem`:\n\n{problems}",
        "\n## Documents\n",
        *_documents(document["components"]["schemas"]),
        "\n## Metrics\n\nAt `/metrics`, in the Prometheus text format.\n",
        "\n| metric | type | labels | means |\n|---|---|---|---|\n",
        *_metrics(),
    ]
    return "".join(parts)


def _endpoints(paths: Mapping[str, Any]) -> Iterator[str]:
    for path, item in paths.items():
        for method in METHODS:
            if operation := item.get(method):
                body = _name(operation.get("requestBody", {}))
                answers = {code: each for code, each in operation["responses"].items() if int(code) not in ANY_PROBLEM}
                said = ", ".join(
                    f"{code} {_name(each) or each['description'].rstrip('.')}" for code, each in answers.items()
                )
                yield f"| `{method.upper()} {path}` | {body} | {said} |\n"


def _name(holder: Mapping[str, Any]) -> str:
    """The document that a body or an answer is, by its reference."""
    schema = holder.get("content", {}).get("application/json", {}).get("schema", {})
    return f"`{schema['$ref'].rpartition('/')[2]}`" if "$ref" in schema else ""


def _documents(schemas: Mapping[str, Any]) -> Iterator[str]:
    for name, schema in schemas.items():
        yield f"\n### {name}\n\n{cleandoc(schema.get('description', ''))}\n\n| key | type | required |\n|---|---|---|\n"
        for key, each in schema.get("properties", {}).items():
            yield f"| `{key}` | {_type(each)} | {'yes' if key in schema.get('required', ()) else ''} |\n"


def _type(schema: Mapping[str, Any]) -> str:
    if "$ref" in schema:
        return f"`{schema['$ref'].rpartition('/')[2]}`"
    if "anyOf" in schema:
        return " or ".join(map(_type, schema["anyOf"]))
    if "enum" in schema:
        return ", ".join(f"`{word}`" for word in schema["enum"])
    inner = schema.get("items") or schema.get("additionalProperties")
    return (
        f"{schema.get('type', 'any')} of {_type(inner)}"
        if isinstance(inner, Mapping)
        else str(schema.get("type", "any"))
    )


def _metrics() -> Iterator[str]:
    empty = RegistryDocument(datetime.fromtimestamp(0, timezone.utc), 0, Summary(0, 0, 0, 0, 0), {})
    for family in WorkerCollector(empty, 0, 0).collect():
        name = f"{family.name}_total" if family.type == "counter" else family.name
        labels = ", ".join(f"`{label}`" for label in getattr(family, "_labelnames", ()))
        yield f"| `{name}` | {family.type} | {labels} | {family.documentation.rstrip('.')} |\n"
