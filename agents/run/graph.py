"""`solve graph`: the team as a picture in text."""

from agents.graph import build


def mermaid() -> str:
    """The graph in Mermaid's notation, as GitHub and many editors draw it."""
    return build().get_graph().draw_mermaid()
