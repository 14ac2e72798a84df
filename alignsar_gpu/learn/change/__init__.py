"""Change detection: which pixels change between two dates, from the images of both."""
