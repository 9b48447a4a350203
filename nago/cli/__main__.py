"""`python -m nago.cli` is `nago`."""

from nago.cli import main

main()
