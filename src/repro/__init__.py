"""Replay experiments in their recorded conditions and compare them, number by number, with their baselines.

The package is empty on purpose: import the room you need (`repro.drift`, `repro.flows`, ...).
"""

__version__ = "0.1.0"
