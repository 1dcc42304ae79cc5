"""What people and programs read of a rollout: :mod:`.text` for a terminal, :mod:`.json` with its :mod:`.schema`."""
