"""The Worker Telemetry API (contract: API): which workers a workspace has, and how they fare.

`python -m sentinel_tasks.api` runs it.
"""
