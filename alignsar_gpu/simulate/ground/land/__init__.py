"""Land cover: a made-up landscape, or classes from maps."""
