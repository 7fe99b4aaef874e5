"""`python -m repro`: the same as the command `repro`."""

from repro.cli.main import main

main()
