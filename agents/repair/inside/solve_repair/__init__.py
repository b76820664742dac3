"""The half of the repair engine that runs inside the sandbox, in the solved repository's own Python (3.8 or newer).

Standard library and that repository's pytest only; nothing here imports from the harness. It reads a plan, takes over
`pytest_runtestloop`, and writes what it finds as JSON lines: the harness treats every byte of them as hostile.
"""
