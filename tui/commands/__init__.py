"""The commands of `flowtap`, one a file, each loaded when it is called."""
