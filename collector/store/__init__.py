"""The store: ClickHouse, embedded or a server, and everything that is written in its SQL."""
