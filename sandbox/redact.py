"""Secrets out of text (pure): before it enters a prompt, and before it leaves in an export."""

import re
from collections.abc import Callable, Mapping

GONE = "[secret]"
SHORTEST = 8  # characters: a shorter value would take ordinary words with it
NAMED = re.compile(r"(?i)(^|_)(key|token|secret|password|passwd|credentials?|auth)($|_)")
# Shapes that providers give their tokens: each is documented by its own provider.
SHAPES = re.compile(
    r"\b(?:sk|rk|pk)[-_](?:[a-z]+[-_])*[A-Za-z0-9_-]{20,}"  # OpenAI, Anthropic, Stripe
    r"|\bgh[pousr]_[A-Za-z0-9]{30,}|\bgithub_pat_\w{22,}|\bglpat-[\w-]{20,}"
    r"|\bxox[abeoprs]-[\w-]{10,}|\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|\bAIza[\w-]{35}"
    r"|\bhf_[A-Za-z0-9]{30,}|\bnpm_[A-Za-z0-9]{36}\b|\bpypi-[\w-]{50,}"
    r"|\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]+"  # JSON web tokens
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"
    r"|(?<=://)[^\s/@:]+:[^\s/@]+(?=@)",  # user and password of an address
    re.DOTALL,
)


def redactor(environment: Mapping[str, str]) -> Callable[[str], str]:
    """Takes out what the environment holds under a name that says secret, and whatever is shaped like a token."""
    values = sorted(
        {value for name, value in environment.items() if NAMED.search(name) and len(value) >= SHORTEST},
        key=len,
        reverse=True,  # one secret may start with another
    )
    known = re.compile("|".join(map(re.escape, values))) if values else None

    def clean(text: str) -> str:
        return SHAPES.sub(GONE, known.sub(GONE, text) if known else text)

    return clean
