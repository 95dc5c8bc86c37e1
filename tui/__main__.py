"""`python -m tui` is `flowtap`."""

from tui.cli import main

main()
