"""Worlds of a spring, of bodies and of a cart-pole, learned from frames: ``python -m experiments.scenes``."""
