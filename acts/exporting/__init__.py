"""Client documents into files: the import's other way, under the policy of whoever takes them out."""
