"""The area of the terrain that each pixel sees."""
