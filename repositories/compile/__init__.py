"""Pure functions from plans to the plain dictionaries that MongoDB takes."""
