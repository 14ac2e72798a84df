"""What users touch: the arguments of the command line, its help and messages, and `alignsar_gpu.run`."""
