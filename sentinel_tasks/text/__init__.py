"""What may be shown of foreign text, and how long things last."""
