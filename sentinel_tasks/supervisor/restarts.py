"""Whether another run follows one that has ended, and when (contract: Configuration, Restart policies)."""

from __future__ import annotations

from .child import NOT_RUNNABLE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection

FIRST_DELAY, LONGEST_DELAY = 0.5, 30.0
QUICK_RESTARTS, STABLE_SECONDS = 10, 60.0


class Restarts:
    """The restarts of one launch by its policy."""

    def __init__(self, policy: str, success_codes: Collection[int] = ()) -> None:
        self.policy, self.success_codes = policy, success_codes
        self.quick = self.count = 0

    def delay_after(self, code: int, seconds: float, is_failed: bool = False) -> float | None:
        """The pause after a run of so many seconds; None if no other run follows. One may fail whatever its code is."""
        self.quick = 0 if seconds >= STABLE_SECONDS else self.quick + 1
        if not is_due(self.policy, code, self.quick, not is_failed and self.ends_well(code)):
            return None
        self.count += 1
        return min(FIRST_DELAY * 2.0 ** max(0, self.quick - 1), LONGEST_DELAY)

    def ends_well(self, code: int) -> bool:
        """True for exit code 0 and the success codes; one below 0 is a signal, which a shell counts from 128."""
        return (128 - code if code < 0 else code) in (0, *self.success_codes)


def is_due(policy: str, code: int, quick: int, well: bool) -> bool:
    """True if the policy wants another run; a command that can't be run at all is never tried twice."""
    if code in NOT_RUNNABLE or quick > QUICK_RESTARTS:
        return False
    return policy == "always" or (policy == "on-failure" and not well)
