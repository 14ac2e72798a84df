"""The terrain as the radar sees it: position, angles, layover, shadow and area of every pixel."""
