"""``python -m registry.cli``: the same as the command ``contracts``, also where no script is installed."""

from registry.cli import main

main()
