"""Map layers as a stage, as a step on a finished run, and from Python."""
