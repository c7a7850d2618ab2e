"""Tasks of one's own beside the services."""

import json

from invoke.collection import Collection
from invoke.context import Context
from invoke.tasks import task

from sentinel_tasks import dev, telemetry


@task(pre=[dev["start"], telemetry["activate"]])
def smoke(context: Context) -> None:
    """Start both services where they do not run yet, and tell where they are."""
    for service in ["dev", "telemetry"]:
        status = json.loads(context.run(f"inv {service}.status --json", hide=True).stdout)
        print(f"{service} is {status['state']} at {status['url']}")


@task(post=[telemetry["stop"], dev["stop"]])
def finish(context: Context) -> None:
    """Say goodbye, then stop both services."""
    print("Until tomorrow.")


@task(pre=[telemetry["activate"]])
def seed(context: Context) -> None:
    """Fill the database, with telemetry watching."""
    print("3 rows written")


namespace = Collection(dev, telemetry, smoke, finish, database=Collection(seed))
