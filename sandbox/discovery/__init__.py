"""Finds out from a repository's own files how it is built and tested. `sandbox.discovery.detect` is the door."""
