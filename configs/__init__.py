"""The composed configuration: Hydra groups and experiments."""
