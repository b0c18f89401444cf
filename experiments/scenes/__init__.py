"""Worlds of a spring and of two bodies, learned from frames: ``python -m experiments.scenes``."""
