"""Tells an address of somebody's own which findings are new and which are over."""
