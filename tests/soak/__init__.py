"""A collector and a terminal UI under a steady load, watched for minutes."""
