"""Records on their way to their handlers: reading, retries, offsets, and the dead letters of what nobody can handle."""
