"""What a graph has to be like: rules, read, held against it, and told."""
