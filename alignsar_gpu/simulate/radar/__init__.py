"""The simulated radar: echoes of the ground, focused images, truth."""
