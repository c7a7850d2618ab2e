"""What the launcher puts between a service's output: where each run begins and where a launch ends. Pure.

An annotation is an operating system command (OSC 7357), which terminals do not show. The log pump takes them out and
writes down beside the log where they stood; a reader puts them in again. The supervisor repeats these bytes because it
imports nothing of ours; a test compares them.
"""

from __future__ import annotations

import re

_OPENING, _CLOSING = b"\x1b]7357;", b"\x07"

ANNOTATION = rb"%s[^%s]*%s" % (re.escape(_OPENING), _CLOSING, _CLOSING)
"""The pattern of any annotation, whatever it says."""

ANNOTATIONS = rb"(?:%s)+" % ANNOTATION
"""The pattern of one or more, right after each other."""

ANY_BEGIN = _OPENING + b"sentinel-begin;"
ANY_END = _OPENING + b"sentinel-end;"
"""How the two start, whatever the launch."""


def begin_annotation(launch: str) -> bytes:
    """What stands before the first byte of each run of that launch."""
    return ANY_BEGIN + launch.encode() + _CLOSING


def end_annotation(launch: str) -> bytes:
    """What stands after the last byte of that launch."""
    return ANY_END + launch.encode() + _CLOSING
