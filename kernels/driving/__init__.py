"""What every kernel family shares: compilers, argument checks and launches."""
