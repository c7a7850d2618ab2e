"""Is this machine ready and safe (SPEC §8): CHECKS, each a small function of one look, and what may be mended."""

from .examine import examine
from .look import Given, Look

__all__ = ["Given", "Look", "examine"]
