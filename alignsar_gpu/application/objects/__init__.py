"""Objects: connected regions of the classes of labels, as a stage of a run."""
