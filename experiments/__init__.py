"""Experiments: every published number comes from a command in here."""
