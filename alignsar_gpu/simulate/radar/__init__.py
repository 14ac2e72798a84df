"""What the radar makes of the ground: echoes, focusing, truth."""
