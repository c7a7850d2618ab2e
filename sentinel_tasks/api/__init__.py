"""The Worker Telemetry API (SPEC §7): which workers a workspace has, and how they fare.

`python -m sentinel_tasks.api` runs it.
"""
