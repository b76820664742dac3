"""Who solves it, and how a person or CI starts it."""
