"""Worlds: physics that can be observed, acted on, saved and loaded."""
