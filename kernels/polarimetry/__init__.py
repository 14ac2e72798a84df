"""Signatures of polarimetric matrices."""
