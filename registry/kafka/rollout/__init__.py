"""A service's part in rolling upgrades: it says what it can read and write, and obeys the control record."""
