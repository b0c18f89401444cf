"""Faults on purpose: kills, full disks, signals, damaged files, wrong calls and several writers at once."""
