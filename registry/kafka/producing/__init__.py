"""Records on their way to the brokers: the client, its reports, and transactions."""
