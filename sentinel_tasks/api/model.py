"""The nouns of the API, as they look on the wire (contract: API); imports nothing of ours."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Literal

import msgspec

Status = Literal["idle", "working", "error", "terminated"]

MAX_REPORTERS = 1000
MAX_SCALED = 64
MAX_COUNT = 2**53 - 1  # the largest whole number that every JSON reader keeps exact
WORKER_ID = r"^[A-Za-z0-9][A-Za-z0-9._:@-]{0,127}$"

Count = Annotated[int, msgspec.Meta(ge=0, le=MAX_COUNT)]
ShortText = Annotated[str, msgspec.Meta(max_length=500)]


def is_worker_id(text: str) -> bool:
    """True for what may name a worker: ASCII letters, digits and `._:@-`, at most 128, a letter or digit first."""
    return re.fullmatch(WORKER_ID[1:-1], text) is not None


class ResourceUsage(msgspec.Struct, frozen=True):
    """What a worker uses: resident memory in MiB, CPU in percent of one core, threads, open file descriptors.

    Null where there is no process to look at.
    """

    rss_mb: float | None = None
    cpu_percent: float | None = None
    threads: int | None = None
    open_files: int | None = None


class Worker(msgspec.Struct, frozen=True):
    """One worker, whichever of the three sources told of it."""

    id: str
    service: str | None
    pid: int | None
    status: Status
    created_at: datetime
    messages_processed: int = 0
    errors: int = 0
    last_error: str | None = None
    current_job: str | None = None
    queue_depth: int = 0
    resource_usage: ResourceUsage = ResourceUsage()


class Summary(msgspec.Struct, frozen=True):
    """`total` counts every worker listed; what is neither idle, working nor in error has terminated."""

    total: int
    idle: int
    working: int
    error: int
    total_queue_depth: int


class RegistryDocument(msgspec.Struct, frozen=True):
    """All workers at one moment."""

    timestamp: datetime
    total: int
    summary: Summary
    workers: dict[str, Worker]


class SelfReport(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a worker says of itself. A field left out keeps what was reported last.

    `ttl` is in seconds; `pid` joins the report with the process found under that number.
    """

    status: Status | msgspec.UnsetType = msgspec.UNSET
    queue_depth: Count | msgspec.UnsetType = msgspec.UNSET
    current_job: ShortText | msgspec.UnsetType | None = msgspec.UNSET
    messages_processed: Count | msgspec.UnsetType = msgspec.UNSET
    errors: Count | msgspec.UnsetType = msgspec.UNSET
    last_error: ShortText | msgspec.UnsetType | None = msgspec.UNSET
    ttl: Annotated[float, msgspec.Meta(ge=1, le=3600)] | msgspec.UnsetType = msgspec.UNSET
    pid: Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)] | msgspec.UnsetType | None = msgspec.UNSET
    service: Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9-]{0,63}$")] | msgspec.UnsetType | None = msgspec.UNSET


class ScaleRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many workers of the configured command there should be."""

    count: Annotated[int, msgspec.Meta(ge=0, le=MAX_SCALED)]


class InstanceCount(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many instances of a service there should be."""

    count: Annotated[int, msgspec.Meta(ge=1, le=100)]


class ScaleResult(msgspec.Struct, frozen=True):
    """How many were started and ended to get there."""

    created: int
    terminated: int


class Receipt(msgspec.Struct, frozen=True):
    """A report was taken; without another one within `ttl` seconds the worker counts as terminated."""

    id: str
    ttl: float


class Problem(msgspec.Struct, frozen=True):
    """Why a request was refused."""

    error: str


class Reporter(msgspec.Struct, frozen=True):
    """A self-reporting worker as remembered: the fields of its reports so far, all of them set."""

    created_at: datetime
    expires: float
    status: Status = "idle"
    queue_depth: int = 0
    current_job: str | None = None
    messages_processed: int = 0
    errors: int = 0
    last_error: str | None = None
    ttl: float = 30.0
    pid: int | None = None
    service: str | None = None


class Process(msgspec.Struct, frozen=True):
    """A process as it was sampled.

    `created` is in seconds since the epoch, `ticks` the same by the kernel's clock, by which it is known again;
    `worker_id` is set for scaled workers.
    """

    pid: int
    parent: int
    service: str | None
    worker_id: str | None
    created: float
    stopped: bool
    usage: ResourceUsage
    ticks: int = 0


class Ended(msgspec.Struct, frozen=True):
    """A scaled worker that ended on its own, and how."""

    id: str
    pid: int
    created_at: datetime
    reason: str | None
    at: float
