"""Derived attributes that come from related records: what one may look at, and what it gives."""
