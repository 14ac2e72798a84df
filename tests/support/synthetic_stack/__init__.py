"""A small coregistered stack with known truth, registered as a reader: what whole runs are tested with."""

from synthetic_stack.stack import SimulatedStack, Truth, simulate_stack

__all__ = ["SimulatedStack", "Truth", "simulate_stack"]
