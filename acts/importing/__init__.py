"""Files into client documents: a map says which column becomes which attribute."""
