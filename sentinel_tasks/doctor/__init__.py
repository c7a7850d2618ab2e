"""Is this machine ready and safe: CHECKS, each a small function of one look, and what may be mended.

Contract: Doctor.
"""

from .examine import examine
from .look import Given, Look

__all__ = ["Given", "Look", "examine"]
