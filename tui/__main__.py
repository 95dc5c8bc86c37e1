"""`python -m tui`: the program `flowtap`, where its script is not on the path."""

from tui.cli import main

main()
