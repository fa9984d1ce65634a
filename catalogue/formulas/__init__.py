"""Formulas: what an expression may say, of which kind its result is, and what hangs on what."""
