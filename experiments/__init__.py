"""Experiments: a command in this package makes every published number."""
