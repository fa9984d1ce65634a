"""From a question to a plan, without any input or output."""
