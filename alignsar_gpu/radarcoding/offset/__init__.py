"""The offset of labels against the radar image."""
