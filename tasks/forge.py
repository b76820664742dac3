"""Issues of GitHub and GitLab over their REST APIs: body and comments, as of now."""

import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Any, TypeVar
from urllib.parse import quote, unquote, urljoin, urlsplit

import httpx
from pydantic import BaseModel, TypeAdapter, ValidationError

from sandbox.api import BadInput, NetworkUnavailable
from sandbox.credentials import Credential, credential_for, forge_host
from tasks.task import Comment, Issue

MAX_ISSUE = 1 << 20  # bytes of UTF-8: title, body and comments
MAX_REPLY = 8 << 20  # bytes of one reply: a page of comments with their metadata
PER_PAGE = 100  # the most that both forges give
MAX_PAGES = 50
TIMEOUT = httpx.Timeout(20.0, connect=10.0)  # seconds without a byte
DEADLINE = 60.0  # seconds for one reply
GITHUB_PATH = re.compile(r"/(?P<project>[^/]+/[^/]+)/(?P<kind>issues|pull)/(?P<number>\d+)/?")
GITLAB_PATH = re.compile(
    r"/(?P<project>[^/]+(?:/[^/]+)+)/-/(?P<kind>issues|work_items|merge_requests)/(?P<number>\d+)/?"
)
R = TypeVar("R")


class User(BaseModel):
    login: str = ""  # GitHub
    username: str = ""  # GitLab


class GitHubIssue(BaseModel):
    title: str
    body: str | None = None
    pull_request: dict[str, Any] | None = None


class GitHubComment(BaseModel):
    body: str | None = None
    created_at: str
    user: User | None = None  # None: a deleted account


class GitLabIssue(BaseModel):
    title: str
    description: str | None = None
    user_notes_count: int = 0


class GitLabNote(BaseModel):
    body: str
    created_at: str
    author: User | None = None
    system: bool = False  # written by GitLab itself: "changed the milestone"


@dataclass(frozen=True, slots=True)
class Address:
    """Where an issue stands."""

    url: str
    forge: str  # github, gitlab
    project: str  # OWNER/NAME, or GROUP/.../NAME
    number: int

    @property
    def host(self) -> str:
        return urlsplit(self.url).netloc.rpartition("@")[2]

    def api(self, environment: Mapping[str, str]) -> str:
        """The API's root; the forges' own CI names it for the host it runs on."""
        variable = "GITHUB_API_URL" if self.forge == "github" else "CI_API_V4_URL"
        if self.host.lower() == forge_host(self.forge, environment) and environment.get(variable):
            return environment[variable].rstrip("/")
        if self.host.lower() == "github.com":
            return "https://api.github.com"
        return f"{urlsplit(self.url).scheme}://{self.host}/api/{'v3' if self.forge == 'github' else 'v4'}"


def parse_address(url: str) -> Address:
    """Raises BadInput for anything that is not the address of an issue."""
    path = unquote(urlsplit(url).path)
    for forge, pattern in (("gitlab", GITLAB_PATH), ("github", GITHUB_PATH)):
        if found := pattern.fullmatch(path):
            if found["kind"] in ("pull", "merge_requests"):
                raise BadInput(f"{url} is a change, not an issue: give the issue that it closes")
            return Address(url, forge, found["project"], int(found["number"]))
    raise BadInput(
        f"{url} is not the address of an issue: give https://github.com/OWNER/NAME/issues/N,"
        " https://gitlab.com/GROUP/NAME/-/issues/N, or a file"
    )


def fetch_issue(address: Address, environment: Mapping[str, str]) -> Issue:
    """The issue as it stands now, its comments in the order of their creation.

    Raises:
        BadInput: not found, private, rate-limited, too large, or not an issue.
        NetworkUnavailable: the forge does not answer.
    """
    fetched = datetime.now(UTC).isoformat(timespec="seconds")
    with Forge(address, environment) as forge:
        title, body, comments, missing = _github(forge) if address.forge == "github" else _gitlab(forge)
    ordered = tuple(sorted(comments, key=lambda comment: comment.created))
    source = f"{address.url} (without its {missing} comments: they take a GITLAB_TOKEN)" if missing else address.url
    return Issue(title, body, ordered, source, fetched)


def _github(forge: "Forge") -> tuple[str, str, list[Comment], int]:
    place = f"/repos/{quote(forge.address.project)}/issues/{forge.address.number}"
    issue = forge.get(place, TypeAdapter(GitHubIssue))
    if issue.pull_request is not None:
        raise BadInput(f"{forge.address.url} is a pull request, not an issue: give the issue that it closes")
    pages = forge.pages(f"{place}/comments", TypeAdapter(list[GitHubComment]))
    comments = [Comment(item.user.login if item.user else "ghost", item.created_at, item.body or "") for item in pages]
    return issue.title, issue.body or "", comments, 0


def _gitlab(forge: "Forge") -> tuple[str, str, list[Comment], int]:
    place = f"/projects/{quote(forge.address.project, safe='')}/issues/{forge.address.number}"
    issue = forge.get(place, TypeAdapter(GitLabIssue))
    if not forge.credential.token:
        # GitLab gives nobody the notes of even a public issue without a token (its `notes.rb` authenticates all).
        return issue.title, issue.description or "", [], issue.user_notes_count
    notes = [note for note in forge.pages(f"{place}/notes", TypeAdapter(list[GitLabNote])) if not note.system]
    comments = [Comment(note.author.username if note.author else "ghost", note.created_at, note.body) for note in notes]
    return issue.title, issue.description or "", comments, 0


class Forge:
    """One forge's API, read with bounded time and size. A token goes to it alone, and only where nobody listens."""

    def __init__(self, address: Address, environment: Mapping[str, str], *, timeout: httpx.Timeout = TIMEOUT) -> None:
        self.address = address
        self.root = address.api(environment)
        self.credential = credential_for(address.host, environment)
        if not _is_safe(self.root):
            self.credential = Credential(self.credential.forge, self.credential.variables)
        headers = {"User-Agent": "solve", "Accept": "application/json"}
        if self.credential.token:
            headers["Authorization"] = f"Bearer {self.credential.token}"
        self._client = httpx.Client(headers=headers, timeout=timeout, follow_redirects=False)

    def __enter__(self) -> "Forge":
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def pages(self, place: str, kind: TypeAdapter[list[R]]) -> Iterator[R]:
        for number in range(1, MAX_PAGES + 1):
            page = self.get(f"{place}?per_page={PER_PAGE}&page={number}", kind)
            yield from page
            if len(page) < PER_PAGE:
                return
        raise BadInput(f"{self.address.url} has more than {MAX_PAGES * PER_PAGE} comments: {SHORTEN}")

    def get(self, place: str, kind: TypeAdapter[R]) -> R:
        content = self._follow(self.root + place)
        try:
            return kind.validate_json(content)
        except ValidationError as error:
            raise BadInput(
                f"{self.root} does not answer as {self.address.forge} does: is the address right?"
            ) from error

    def _follow(self, url: str) -> bytes:
        """A transferred issue is answered by a redirect; one to another host is not followed."""
        for _ in range(4):
            response, content = self._read(url)
            if response.is_success:
                return content
            if not response.has_redirect_location:
                raise self._refused(response)
            url = urljoin(url, response.headers["Location"])
            if urlsplit(url)[:2] != urlsplit(self.root)[:2]:
                break
        raise BadInput(f"{self.address.url} has moved: open it in a browser, and give the address that it shows")

    def _read(self, url: str) -> tuple[httpx.Response, bytes]:
        host, end = urlsplit(url).netloc, time.monotonic() + DEADLINE
        content = bytearray()
        try:
            with self._client.stream("GET", url) as response:
                for chunk in response.iter_bytes():
                    content += chunk
                    if len(content) > MAX_REPLY:
                        raise BadInput(f"{self.address.url} has more than {MAX_ISSUE} bytes: {SHORTEN}")
                    if time.monotonic() > end:
                        raise NetworkUnavailable(f"{host} takes longer than {DEADLINE:g} s to answer: try again later")
        except httpx.TimeoutException as error:
            raise NetworkUnavailable(f"{host} does not answer: try again later") from error
        except httpx.TransportError as error:
            raise NetworkUnavailable(f"{host} cannot be reached ({error}): check the network") from error
        return response, bytes(content)

    def _refused(self, response: httpx.Response) -> BadInput | NetworkUnavailable:
        status, url, host = response.status_code, self.address.url, urlsplit(self.root).netloc
        if status >= 500:
            return NetworkUnavailable(f"{host} answers with status {status}: try again later")
        if status == 429 or (status == 403 and _is_limited(response)):
            advice = "" if self.credential.token or not self.credential.variables else self._advice_on_limit()
            return BadInput(f"{host} allows no more requests until {_resets(response)}{advice}")
        if status == 401 and self.credential.token:
            return BadInput(f"{host} does not accept the token in {self.credential.variables[0]}: renew or unset it")
        return BadInput(f"{url} was not found or is private: {self.credential.advice()}")

    def _advice_on_limit(self) -> str:
        return f": wait, or set {self.credential.variables[0]}"


SHORTEN = "put what matters into a file, and give that"


def _is_safe(root: str) -> bool:
    """Whether nobody on the way can read what is sent."""
    parts = urlsplit(root)
    try:
        return parts.scheme == "https" or ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return parts.hostname == "localhost"


def _is_limited(response: httpx.Response) -> bool:
    return response.headers.get("X-RateLimit-Remaining") == "0" or "Retry-After" in response.headers


def _resets(response: httpx.Response) -> str:
    """GitHub and GitLab tell the second of reset, or the seconds to wait."""
    headers = response.headers
    at = headers.get("X-RateLimit-Reset") or headers.get("RateLimit-Reset") or ""
    wait = headers.get("Retry-After", "")
    if wait.isdigit():
        at = str(int(time.time()) + int(wait))
    if not at.isdigit():
        return "later"
    return datetime.fromtimestamp(int(at[:12]), UTC).strftime("%H:%M:%S UTC")
