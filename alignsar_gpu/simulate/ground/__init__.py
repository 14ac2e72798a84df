"""The simulated scene on the ground: terrain, land cover, targets, changes, motion, atmosphere."""
