"""What gets lost on the way to an engine, as it is told."""

from __future__ import annotations

from msgspec import Struct


class Lost(Struct, frozen=True):
    """One loss as it is told: of which service, which fact, and what that means there."""

    service: str
    fact: str
    why: str

    def __str__(self) -> str:
        """One line for a person, and for the file."""
        return f"lost: {self.service}: {self.fact}: {self.why}"
