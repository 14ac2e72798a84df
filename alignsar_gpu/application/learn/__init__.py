"""Learning as a stage: models, their scores, and their predictions of the scene."""
