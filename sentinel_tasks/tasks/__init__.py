"""The verbs: the only place that knows Invoke. Words → nouns → one engine call → report → exit code."""
