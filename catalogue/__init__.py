"""What an attribute is: definitions, kinds, rules and values; pure, without any input or output."""
