"""Reports in words or as JSON; only this room knows colour, emoji and the terminal's width."""

from .document import as_json, dumps, dumps_line, finding_document, url_of
from .live import Live
from .page import details, note_lines, outcome_line, status_page
from .streams import is_read, never_fail_to_print, put, put_aside
from .style import Style, style_of
from .tables import findings_page, stats_table, table, workers_table

__all__ = [
    "Live",
    "Style",
    "as_json",
    "details",
    "dumps",
    "dumps_line",
    "finding_document",
    "findings_page",
    "is_read",
    "never_fail_to_print",
    "note_lines",
    "outcome_line",
    "put",
    "put_aside",
    "stats_table",
    "status_page",
    "style_of",
    "table",
    "url_of",
    "workers_table",
]
