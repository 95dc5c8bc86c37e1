"""How fast flowtap is, and what it takes: `python -m tests.benchmarks`, or `make bench`."""
