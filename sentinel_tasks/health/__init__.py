"""Asking a service whether it works."""
