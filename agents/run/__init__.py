"""How a person or CI starts it: the only place that wires the parts together."""
