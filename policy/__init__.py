"""Pure rules: who may see and change what, and why."""
