"""Which files and symbols of a repository an issue is about."""
