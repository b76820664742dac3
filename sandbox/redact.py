"""Secrets out of text (pure): before it enters a prompt, and before it leaves in an export.

The last net, not the wall: secrets do not enter sandboxes in the first place. It finds the values it is given, also
folded over lines, JSON-escaped, percent-encoded and in base64, and what has the shape of a token. It does not find a
secret that was cut, reversed or encrypted on purpose.
"""

import base64
import json
import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from urllib.parse import quote

GONE = "[secret]"
SHORTEST = 8  # characters: a shorter value would take ordinary words with it
NAMED = re.compile(r"(^|_)((api)?key|token|secret|pass|password|passwd|pat|credentials?|auth)(_|$)", re.IGNORECASE)
# Prefixes and least lengths as their issuers document them. No run of characters is tried twice: linear time.
SHAPES = re.compile(
    r"""
      (?<![A-Za-z0-9]) (?:
        gh[pousr]_[A-Za-z0-9]{30,} | github_pat_[A-Za-z0-9_]{22,}                           # GitHub
      | gl(?:pat|ptt|dt|oas|rt|rtr|cbt|ft|ffct|imt|agent|soat)-[A-Za-z0-9_-]{20,}           # GitLab
      | sk-ant-[A-Za-z0-9_-]{20,}                                                           # Anthropic
      | sk-or-v1-[A-Za-z0-9]{32,}                                                           # OpenRouter
      | sk-(?:proj-|svcacct-|admin-)?(?=[A-Za-z_-]{0,100}[0-9])[A-Za-z0-9_-]{20,}           # OpenAI, and who copied it
      | (?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}(?![A-Za-z0-9])                                  # AWS key id
      | xox[abeoprs]-[A-Za-z0-9-]{10,} | xapp-[0-9]-[A-Za-z0-9-]{20,}                       # Slack
      | AIza[A-Za-z0-9_-]{35,} | ya29\.[A-Za-z0-9_-]{20,} | GOCSPX-[A-Za-z0-9_-]{20,}       # Google
      | npm_[A-Za-z0-9]{36,} | pypi-[A-Za-z0-9_-]{50,} | hf_[A-Za-z0-9]{30,}                # registries and hubs
      | [rs]k_live_[A-Za-z0-9]{20,}                                                         # Stripe
      )
    | (?<![A-Za-z0-9_-]) eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}(?:\.[A-Za-z0-9_-]*)?  # JSON web tokens
    | (?<=hooks\.slack\.com/services/)[A-Za-z0-9/]{20,}
    | (?<=-----)(?P<key>BEGIN[ ](?:[A-Z0-9]{1,20}[ ]){0,4}PRIVATE[ ]KEY(?:[ ]BLOCK)?-----)
      (?:\s*[A-Za-z-]{1,30}:[ ][^\n]{0,200}\n){0,9}                                         # headers of a PEM block
      (?:(?:\s|\\[nr]|["',])*+[A-Za-z0-9+/=]{16,}+)+
      (?:(?:\s|\\[nr]|["',])*+[A-Za-z0-9+/=]{1,15}+(?=\s|\\|["',-]|\Z))?
    """,
    re.VERBOSE,
)
LOGIN = re.compile(r"""(?<=://)[^\s/@:'"<>]*+:[^\s/@'"<>]++(?=@)""")  # user and password of an address
# What stands behind these names is secret whatever its shape.
LABELLED = re.compile(
    r"(?P<label>\b(?:(?:proxy-)?authorization|x-api-key|private-token|aws_secret_access_key)[\"']?\s{0,4}[:=]\s{0,4}"
    r"[\"']?(?:(?:bearer|basic|token)\s{1,4})?)[A-Za-z0-9._~+/=-]{16,}",
    re.IGNORECASE,
)


def redactor(environment: Mapping[str, str]) -> Callable[[str], str]:
    """`redact` for the values that the environment holds under a name that says secret."""
    secrets = frozenset(value for name, value in environment.items() if NAMED.search(name))
    return lambda text: redact(text, secrets)


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """`text` with every known secret and every token shape replaced by `GONE`. Doing it twice changes nothing more.

    Secrets under 8 characters are passed over.
    """
    known = _known(frozenset(secret for secret in secrets if len(secret) >= SHORTEST and secret not in GONE))
    if known is not None:
        text = known.sub(GONE, text)
    # The wider first: a token within a login would leave the rest of it behind.
    text = LOGIN.sub(GONE, text)
    text = LABELLED.sub(lambda found: found["label"] + GONE, text)
    return SHAPES.sub(lambda found: (found["key"] or "") + GONE, text)


@lru_cache(maxsize=8)
def _known(secrets: frozenset[str]) -> re.Pattern[str] | None:
    plain = {form for secret in secrets for form in (secret, json.dumps(secret)[1:-1], _quoted(secret))}
    coded = {form for secret in secrets for form in _base64_forms(secret)}
    forms = sorted(plain | coded, key=lambda form: (-len(form), form))  # one secret may start with another
    return re.compile("|".join(map(_folded, forms))) if forms else None


def _folded(form: str) -> str:
    """The value, also where a terminal or an encoder broke it into lines."""
    return r"(?:\\?\r?\n[ \t]{0,8})?".join(map(re.escape, form))


def _quoted(secret: str) -> str:
    return quote(secret.encode("utf-8", "surrogatepass"), safe="")


def _base64_forms(secret: str) -> set[str]:
    """The characters that the value gives in the base64 of any text around it, in both alphabets.

    Base64 turns 3 bytes into 4 characters, so a value may begin at 3 places; characters that also hold bits of a
    neighbour are left off.
    """
    data = secret.encode("utf-8", "surrogatepass")
    forms = set()
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + data).decode("ascii")
        whole = encoded[-(-before * 8 // 6) : (before + len(data)) * 8 // 6]
        forms |= {whole, whole.replace("+", "-").replace("/", "_")}
    return {form for form in forms if len(form) >= SHORTEST}
