from sentinel_tasks import namespace
