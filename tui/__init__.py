"""What a person sees: command line, terminal screens, and the client both talk through."""
