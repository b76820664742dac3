"""The model that needs no key: generate-and-validate program repair for Python."""
