"""What did not happen, or not as it should: each kind one file, over facts from the store."""
