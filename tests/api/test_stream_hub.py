"""Who is slow skips: the hub alone."""

import asyncio

from sentinel_tasks.api.history import KEPT, History
from sentinel_tasks.api.model import SelfReport
from sentinel_tasks.api.registry import Registry
from sentinel_tasks.api.stream import Hub


def test_a_slow_client_gets_the_newest_and_skips_the_rest() -> None:
    async def scenario() -> None:
        hub = Hub()
        hub.publish("one")
        number, text = await hub.after(0)
        assert text == "one"
        for later in ("two", "three", "four"):
            hub.publish(later)
        number, text = await hub.after(number)
        assert (text, hub.skipped) == ("four", 2)
        waiting = asyncio.create_task(hub.after(number))
        await asyncio.sleep(0)
        assert not waiting.done()
        hub.publish("five")
        assert (await waiting)[1] == "five"

    asyncio.run(scenario())


def test_a_new_client_waits_for_the_first_document() -> None:
    async def scenario() -> None:
        hub = Hub()
        waiting = asyncio.create_task(hub.after(0))
        await asyncio.sleep(0)
        hub.publish("one")
        assert await waiting == (1, "one")

    asyncio.run(scenario())


def test_history_sums_by_service_and_forgets() -> None:
    registry, history = Registry(), History()
    registry.report("a", SelfReport(service="queue", queue_depth=2))
    registry.report("b", SelfReport(service="queue", queue_depth=3))
    registry.report("c", SelfReport(status="terminated"))
    for _ in range(KEPT + 10):
        history.add(registry.document())
    assert len(history.points()) == KEPT
    assert history.points()[-1].queue_depth == 5
    assert {name: usage.workers for name, usage in history.points()[-1].services.items()} == {"queue": 2}
