; Python. What is defined is found by python_walk.py.
; === references ===
(call function: [(identifier) @call (attribute attribute: (identifier) @call)])
