"""Labels of the dataset: opened, placed, written, and compared with the image."""
