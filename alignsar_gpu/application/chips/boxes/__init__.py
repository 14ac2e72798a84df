"""Objects of labels, and their boxes in chips."""
