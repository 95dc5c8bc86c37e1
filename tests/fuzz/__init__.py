"""Hostile input: for each door and decoder a counted refusal or a capped value, never more."""
