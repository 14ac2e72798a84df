"""Detection of objects in chips: a network of centres, constant false-alarm rate as its floor, and their scores."""
