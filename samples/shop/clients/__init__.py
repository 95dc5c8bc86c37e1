"""The same two things on three client libraries: consume messages one after the other, and send."""
