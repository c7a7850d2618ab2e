from sentinel_tasks import dev, from_procfile, telemetry, workspace

namespace = workspace(dev, telemetry, *from_procfile("Procfile"))
