"""Checks whether this machine is ready and safe, and mends what may be mended (contract: Doctor).

Each check is a function from one look at the machine to findings.
"""

from .examine import examine
from .look import Given, Look

__all__ = ["Given", "Look", "examine"]
