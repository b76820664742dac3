"""The PR bot: an issue labelled or a comment typed becomes a draft PR.

Safe by its shape: what reads hostile text and talks to a model (`gate.py`, `work.py`) holds no token that writes;
what writes (`publish.py`) has no model, runs no repository code, and takes from the other side one patch, which fixed
rules judge (`artifact.py`), and words, which are neutralised (`neutral.py`). No text decides anything: who may is asked
of the forge (`gate.py`), where to write follows from the event alone.

    event ──► trigger ──► gate ──► freeze ──► work ═══ artifact ═══► publish ──► branch, draft PR, sticky comment
              (payload)   (REST, read only)   (model)                (REST, write; gate again)
"""
