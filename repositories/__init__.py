"""MongoDB words only: the one layer that imports a driver and bson."""
