"""A real Apache Kafka, pinned, fetched and started by Python alone."""
