"""From a configuration to a finished run: what combines the other packages."""
