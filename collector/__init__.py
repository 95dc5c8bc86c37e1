"""The edge to the world: taps, receivers, the store, the API."""
