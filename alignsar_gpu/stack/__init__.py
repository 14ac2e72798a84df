"""Value types of a stack, independent of any product format."""
