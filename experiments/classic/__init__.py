"""Gymnasium's own physics: twins learned from seconds of experience, and real returns of agents made in them alone."""
