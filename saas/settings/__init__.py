"""Settings: `env` reads the environment, one module per concern, and three entry points (local, test, production)."""
