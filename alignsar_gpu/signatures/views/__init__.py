"""Views of a stack that signatures are computed from: a polarization, a date, all dates; shared results are cached."""
