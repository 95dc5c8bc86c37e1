"""What flowtap is shown on: a real broker, and a shop of small services. They import none of it."""
