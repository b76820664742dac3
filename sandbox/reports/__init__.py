"""What test runners other than pytest print → test cases. `sandbox.reports.printed` is the door."""
