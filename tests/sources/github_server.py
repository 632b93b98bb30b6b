"""A GitHub API on loopback that answers as GitHub documents it: pages, links, ETags, limits, renames, tokens.

What it holds is a dictionary of paths; what it was asked is kept, so that tests can count.
"""

from __future__ import annotations

import base64
import contextlib
import gzip
import hashlib
import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256

TOKEN = "not-a-real-token"
INSTALLATION = "not-a-real-installation-token"
REPO = "netbpf/netbpf-gitops"
NOW = datetime(2026, 10, 2, 8, tzinfo=UTC)

Answer = tuple[int, dict[str, str], bytes]


@dataclass
class Asked:
    """A request: path with query, ETag sent along, and what it was answered with."""

    path: str
    etag: str | None
    status: int


@dataclass
class FakeGitHub:
    """What the server holds, and how it behaves.

    Attributes:
        things: by path, an object, or a list that is paged.
        wrapped: by the last part of a path, the key under which its list stands, beside `total_count`.
        per_page: items of a page, whatever is asked for; None for as many as are asked for.
        faults: by path, what is answered instead, one after the other, before it answers as it should.
        moved: by repository, the number that it is answered under.
        hook: called with every path before it is answered.
    """

    things: dict[str, Any] = field(default_factory=dict)
    wrapped: dict[str, str] = field(
        default_factory=lambda: {
            "check-runs": "check_runs",
            "runs": "workflow_runs",
            "environments": "environments",
        }
    )
    per_page: int | None = None
    faults: dict[str, list[Answer]] = field(default_factory=dict)
    moved: dict[str, str] = field(default_factory=dict)
    links: bool = True
    hook: Callable[[str], None] | None = None
    app_key: RSAPublicKey | None = None
    now: datetime = NOW
    url: str = ""
    asked: list[Asked] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def paths(self) -> Counter[str]:
        """How often each path with its query was asked for."""
        return Counter(one.path for one in self.asked)

    def answer(self, target: str, headers: Any) -> Answer:
        """The answer to a GET."""
        parts = urlsplit(target)
        if self.hook is not None:
            self.hook(parts.path)
        if self.faults.get(parts.path):
            return self.faults[parts.path].pop(0)
        if headers.get("Authorization") not in (f"token {TOKEN}", f"token {INSTALLATION}", f"Bearer {TOKEN}"):
            return _json(401, {"message": "Bad credentials"})
        for old, new in self.moved.items():
            if parts.path.startswith(f"/repos/{old}"):
                query = f"?{parts.query}" if parts.query else ""
                to = f"{self.url}{new}{parts.path.removeprefix(f'/repos/{old}')}{query}"
                return 301, {"Location": to}, b'{"message":"Moved Permanently"}'
        if parts.path.endswith("/protection") and parts.path not in self.things:
            return _json(404, {"message": "Branch not protected"})
        if parts.path not in self.things:
            return _json(404, {"message": "Not Found"})
        return self._held(parts.path, parse_qs(parts.query), headers)

    def _held(self, path: str, query: dict[str, list[str]], headers: Any) -> Answer:
        value, links = self.things[path], {}
        if isinstance(value, list):
            if "created" in query:
                first, last = query["created"][0].split("..")
                value = [one for one in value if first <= one["created_at"][:10] <= last]
            total = len(value)
            if path.endswith("/runs"):
                value = value[:1000]  # as many as a search gives
            size = self.per_page or int(query.get("per_page", ["30"])[0])
            page = int(query.get("page", ["1"])[0])
            items = value[(page - 1) * size : page * size]
            if page * size < len(value):
                links = {"Link": f'<{self._page(path, query, page + 1)}>; rel="next"'}
            key = self.wrapped.get(path.rsplit("/", 1)[-1])
            value = {"total_count": total, key: items} if key else items
        status, given, body = _json(200, value)
        etag = f'W/"{hashlib.sha256(body).hexdigest()[:32]}"'
        if headers.get("If-None-Match") == etag:
            return 304, {"ETag": etag}, b""
        return status, given | {"ETag": etag} | links, body

    def _page(self, path: str, query: dict[str, list[str]], page: int) -> str:
        others = "&".join(f"{name}={values[0]}" for name, values in query.items() if name != "page")
        return f"{self.url}{path}?{others}&page={page}"

    def token(self, target: str, headers: Any) -> Answer:
        """The answer to an App that asks for its installation's token with a JWT that it signed."""
        if target != "/app/installations/22/access_tokens" or self.app_key is None:
            return _json(404, {"message": "Not Found"})
        signed, _, signature = headers.get("Authorization", "").removeprefix("Bearer ").rpartition(".")
        try:
            self.app_key.verify(_decoded(signature), signed.encode(), PKCS1v15(), SHA256())
        except InvalidSignature:
            return _json(401, {"message": "A JSON web token could not be decoded"})
        if json.loads(_decoded(signed.split(".")[1]))["iss"] != "11":
            return _json(401, {"message": "Integration not found"})
        expires = (datetime.now(UTC) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
        return _json(201, {"token": INSTALLATION, "expires_at": expires})


@contextlib.contextmanager
def serving(held: FakeGitHub) -> Iterator[FakeGitHub]:
    """The server, on a free port of loopback, stopped at the end."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = 1 << 16  # an answer at once: in two parts it waits for an acknowledgement

        def do_GET(self) -> None:
            with held.lock:
                status, headers, body = held.answer(self.path, self.headers)
                held.asked.append(Asked(self.path, self.headers.get("If-None-Match"), status))
            self._send(status, headers, body)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", "0")))
            self._send(*held.token(self.path, self.headers))

        def _send(self, status: int, headers: dict[str, str], body: bytes) -> None:
            if "gzip" in self.headers.get("Accept-Encoding", "") and status == 200:
                body, headers = gzip.compress(body, mtime=0), headers | {"Content-Encoding": "gzip"}
            self.send_response_only(status)
            for name, value in (
                {"Content-Length": str(len(body)), "Date": format_datetime(held.now, usegmt=True)} | headers
            ).items():
                self.send_header(name, value)
            self.end_headers()
            if status != 304:
                with contextlib.suppress(BrokenPipeError):  # who asked was killed
                    self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    held.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield held
    finally:
        server.shutdown()
        server.server_close()


def _json(status: int, value: Any) -> Answer:
    return status, {"Content-Type": "application/json; charset=utf-8"}, json.dumps(value).encode()


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def sha(number: int, kind: str) -> str:
    """A commit of a pull request: its head, or what it was merged as."""
    return hashlib.sha1(f"{kind} {number}".encode(), usedforsecurity=False).hexdigest()


def pull(number: int, *, updated: str = "2026-08-01T10:00:00Z", merged: bool = True) -> dict[str, Any]:
    """A pull request as the list has it."""
    api = f"https://api.github.com/repos/{REPO}"
    return {
        "url": f"{api}/pulls/{number}",
        "id": 9000 + number,
        "number": number,
        "state": "closed" if merged else "open",
        "title": f"Raise replicas of app {number}",
        "user": {"login": "ada", "id": 1},
        "created_at": "2026-07-31T10:00:00Z",
        "updated_at": updated,
        "closed_at": updated if merged else None,
        "merged_at": updated if merged else None,
        "merge_commit_sha": sha(number, "merge"),
        "head": {"ref": f"app-{number}", "sha": sha(number, "head")},
        "base": {"ref": "main", "sha": "b" * 40},
        "labels": [],
        "draft": False,
    }


def review(number: int, ident: int, state: str = "APPROVED") -> dict[str, Any]:
    """A review of a pull request."""
    api = f"https://api.github.com/repos/{REPO}"
    return {
        "id": ident,
        "user": {"login": "grace", "id": 2},
        "body": "",
        "state": state,
        "pull_request_url": f"{api}/pulls/{number}",
        "submitted_at": "2026-08-01T09:00:00Z",
        "commit_id": sha(number, "head"),
    }


def dismissal(ident: int, review_id: int) -> dict[str, Any]:
    """An event of one issue's list: it does not say of which issue."""
    return {
        "id": ident,
        "url": f"https://api.github.com/repos/{REPO}/issues/events/{ident}",
        "actor": {"login": "ada", "id": 1},
        "event": "review_dismissed",
        "commit_id": None,
        "created_at": "2026-08-01T09:30:00Z",
        "dismissed_review": {"state": "approved", "review_id": review_id, "dismissal_message": "stale"},
    }


def check_run(ident: int, commit: str) -> dict[str, Any]:
    """A check run that has ended."""
    return {
        "id": ident,
        "head_sha": commit,
        "name": "build",
        "url": f"https://api.github.com/repos/{REPO}/check-runs/{ident}",
        "status": "completed",
        "conclusion": "success",
        "started_at": "2026-08-01T08:00:00Z",
        "completed_at": "2026-08-01T08:05:00Z",
        "app": {"slug": "github-actions", "name": "GitHub Actions"},
    }


def status(ident: int, commit: str) -> dict[str, Any]:
    """A status of a commit."""
    return {
        "url": f"https://api.github.com/repos/{REPO}/statuses/{commit}",
        "id": ident,
        "state": "success",
        "description": "",
        "target_url": None,
        "context": "ci/validate",
        "created_at": "2026-08-01T08:05:00Z",
        "updated_at": "2026-08-01T08:05:00Z",
        "creator": {"login": "ci[bot]", "id": 9},
    }


def repository(count: int = 3, **more: Any) -> FakeGitHub:
    """A repository with so many merged pull requests, each reviewed and checked; one review was dismissed."""
    held = FakeGitHub(**more)
    root = f"/repos/{REPO}"
    held.things[root] = {"full_name": REPO, "default_branch": "main", "id": 77}
    for name in (
        "pulls", "activity", "deployments", "actions/runs", "rulesets", "environments", "collaborators", "teams",
    ):  # fmt: skip
        held.things[f"{root}/{name}"] = []
    for number in range(1, count + 1):
        add_pull(held, number)
    if count:
        held.things[f"{root}/issues/1/events"].append(dismissal(501, 101))
    return held


def add_pull(held: FakeGitHub, number: int, **changed: Any) -> None:
    """Opens a pull request, or changes it."""
    root, one = f"/repos/{REPO}", pull(number, **changed)
    listed = held.things[f"{root}/pulls"]
    listed[:] = sorted(
        [each for each in listed if each["number"] != number] + [one], key=lambda p: p["number"]
    )
    held.things[f"{root}/pulls/{number}"] = one | {"merged_by": {"login": "grace", "id": 2}, "commits": 1}
    held.things[f"{root}/pulls/{number}/reviews"] = [review(number, 100 + number)]
    held.things[f"{root}/issues/{number}/events"] = []
    for kind, first in (("head", 1000), ("merge", 2000)):
        commit = sha(number, kind)
        held.things[f"{root}/commits/{commit}/check-runs"] = [check_run(first + number, commit)]
        held.things[f"{root}/commits/{commit}/statuses"] = [status(first + number, commit)]


def activity(ident: int, at: str) -> dict[str, Any]:
    """A change of a ref."""
    return {
        "id": ident,
        "before": "a" * 40,
        "after": "b" * 40,
        "ref": "refs/heads/main",
        "timestamp": at,
        "activity_type": "force_push",
        "actor": {"login": "ada", "id": 1},
    }


def deployment(ident: int, at: str = "2026-08-01T10:00:00Z") -> dict[str, Any]:
    """A deployment."""
    api = f"https://api.github.com/repos/{REPO}"
    return {
        "url": f"{api}/deployments/{ident}",
        "id": ident,
        "task": "deploy",
        "environment": "prod",
        "sha": "b" * 40,
        "ref": "main",
        "creator": {"login": "ada", "id": 1},
        "created_at": at,
        "updated_at": at,
        "statuses_url": f"{api}/deployments/{ident}/statuses",
        "repository_url": api,
    }


def deployment_status(ident: int, of: int) -> dict[str, Any]:
    """A status of a deployment."""
    api = f"https://api.github.com/repos/{REPO}"
    return {
        "url": f"{api}/deployments/{of}/statuses/{ident}",
        "id": ident,
        "state": "success",
        "environment": "prod",
        "creator": {"login": "ada", "id": 1},
        "created_at": "2026-08-01T10:05:00Z",
        "updated_at": "2026-08-01T10:05:00Z",
        "deployment_url": f"{api}/deployments/{of}",
        "repository_url": api,
    }


def run(ident: int, at: str) -> dict[str, Any]:
    """A run of a workflow."""
    return {
        "id": ident,
        "name": "build",
        "head_branch": "main",
        "head_sha": "b" * 40,
        "event": "push",
        "status": "completed",
        "conclusion": "success",
        "workflow_id": 5,
        "url": f"https://api.github.com/repos/{REPO}/actions/runs/{ident}",
        "created_at": at,
        "updated_at": at,
        "run_started_at": at,
        "actor": {"login": "ada", "id": 1},
    }


def _member(login: str, number: int) -> dict[str, Any]:
    orgs = f"https://api.github.com/users/{login}/orgs"
    return {"login": login, "id": number, "type": "User", "site_admin": False, "organizations_url": orgs}


def organisation(**more: Any) -> FakeGitHub:
    """An organisation with two people, a team and a ruleset, and without an audit log."""
    held, root = FakeGitHub(**more), "/orgs/netbpf"
    held.things |= {
        root: {"login": "netbpf", "id": 5},
        f"{root}/members": [_member("ada", 1), _member("grace", 2)],
        f"{root}/teams": [
            {
                "id": 8,
                "slug": "platform",
                "name": "Platform",
                "permission": "pull",
                "members_url": "https://api.github.com/teams/8/members",
                "repositories_url": "https://api.github.com/teams/8/repos",
            }
        ],
        f"{root}/teams/platform/members": [_member("grace", 2)],
        f"{root}/teams/platform/repos": [
            {
                "id": 77,
                "full_name": REPO,
                "default_branch": "main",
                "owner": {"login": "netbpf"},
                "permissions": {"pull": True, "push": True},
                "role_name": "write",
            }
        ],
        f"{root}/rulesets": [{"id": 31, "name": "main"}],
        f"{root}/rulesets/31": {"id": 31, "name": "main", "enforcement": "active", "rules": []},
    }
    return held
