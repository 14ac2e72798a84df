"""Values of features on the radar grid: means of numbers and dates, and ids with a table of attributes."""
