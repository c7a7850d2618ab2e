"""The loops: look, decide, act, look again. Knows neither libtmux nor Invoke, JSON or colour."""
