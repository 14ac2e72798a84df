"""Simulated stacks with known truth."""

from alignsar_gpu.simulate.stack import SimulatedStack, Truth, simulate_stack

__all__ = ["SimulatedStack", "Truth", "simulate_stack"]
