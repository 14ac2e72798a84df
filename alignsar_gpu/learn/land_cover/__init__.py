"""Land cover: the class of each pixel of a place, from its images of all dates."""
