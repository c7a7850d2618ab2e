"""Reports in words or as JSON; only this room knows colour, emoji and the terminal's width."""

from .document import END_OF_LIST, as_json, dumps, dumps_in_pieces, dumps_line, finding_document, url_of
from .page import details, note_lines, outcome_line, status_page
from .streams import is_read, joined, never_fail_to_print, put, put_aside
from .style import Style, style_of

__all__ = [
    "END_OF_LIST",
    "Style",
    "as_json",
    "details",
    "dumps",
    "dumps_in_pieces",
    "dumps_line",
    "finding_document",
    "is_read",
    "joined",
    "never_fail_to_print",
    "note_lines",
    "outcome_line",
    "put",
    "put_aside",
    "status_page",
    "style_of",
    "url_of",
]
