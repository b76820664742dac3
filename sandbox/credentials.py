"""Which token opens which forge, and under what name the environment holds it."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Credential:
    """What may be sent to one forge. `token` is empty where the environment holds none; `variables` says where to."""

    forge: str  # github, gitlab, or empty for a host that is neither
    variables: tuple[str, ...]
    token: str = ""

    def basic(self) -> str:
        """The `Authorization` value for git over https, as both forges document it; empty without a token."""
        user = "x-access-token" if self.forge == "github" else "oauth2"
        return basic_authorization(user, self.token) if self.token else ""

    def advice(self) -> str:
        """What to do where access was refused."""
        if not self.forge:
            return "check the address, and that this machine may read it"
        name = self.variables[0]
        return f"the token in {name} may not read it" if self.token else f"if it is private, set {name}"


def basic_authorization(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode("ascii")


def forge_host(forge: str, environment: Mapping[str, str]) -> str:
    """The one host that the environment's token belongs to: what the forge's own CI says, else the public one."""
    variable, public = ("GITHUB_SERVER_URL", "github.com") if forge == "github" else ("CI_SERVER_URL", "gitlab.com")
    return urlsplit(environment.get(variable, "")).netloc or public


def credential_for(host: str, environment: Mapping[str, str]) -> Credential:
    """The credential for `host` (`name` or `name:port`). A token goes to the host it belongs to, and to no other."""
    for forge, variables in (("github", ("GITHUB_TOKEN", "GH_TOKEN")), ("gitlab", ("GITLAB_TOKEN",))):
        if host.lower() == forge_host(forge, environment):
            return Credential(forge, variables, next(filter(None, map(environment.get, variables)), ""))
    return Credential("", ())
