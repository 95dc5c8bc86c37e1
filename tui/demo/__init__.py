"""The demonstration: a real shop on a real Kafka, and what flowtap sees of it, held against the
ledgers that the shop's services keep."""
