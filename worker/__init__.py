"""The second entry point: what is done in the background and on schedule."""
