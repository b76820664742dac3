"""Where code runs, and what it printed."""
