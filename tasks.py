"""This project's own use of itself: `inv telemetry.activate` runs the embedded Worker Telemetry API."""

from sentinel_tasks import namespace

__all__ = ["namespace"]
