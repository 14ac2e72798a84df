"""Coregistered stacks written by SNAP."""
