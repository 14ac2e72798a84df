"""From products of several dates to one aligned stack."""
