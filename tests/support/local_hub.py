"""A Hub on this machine: the part of the Hugging Face Hub's HTTP interface that the real client talks to.

Small files are answered by the hub itself, large ones (LFS) by a redirect to a second server, as there.
"""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Collection
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

TOKEN = "hf_test"
LARGE = (".tflite", ".keras", ".png", ".jpg")


@dataclass
class Repository:
    """One repository: files by commit, commits by branch or tag, and what is wrong with it."""

    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    private: bool = False
    gated: bool = False

    def files(self, name: str = "main") -> dict[str, bytes]:
        """What a branch holds now."""
        return self.commits.get(self.names.get(name, ""), {})

    def commit(
        self, files: dict[str, bytes], name: str = "main", deleted: Collection[str] = ()
    ) -> str:
        """Add a commit on top of a branch; its hash."""
        content = {k: v for k, v in self.files(name).items() if k not in deleted} | files
        parts = (path.encode() + hashlib.sha1(data).digest() for path, data in content.items())
        commit = hashlib.sha1(b"".join(parts)).hexdigest()
        self.commits[commit], self.names[name] = content, commit
        return commit


@dataclass
class LocalHub:
    """The hub's contents, its misbehaviour and what it was asked."""

    repositories: dict[str, Repository] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    created: list[dict[str, Any]] = field(default_factory=list)
    variables: list[dict[str, Any]] = field(default_factory=list)
    cuts: int = 0
    """How many of the next large answers break off in the middle."""
    rotten: bool = False
    """Whether large files arrive with one wrong byte."""
    broken: int = 0
    """The error status that everything is answered with, or 0."""
    claimed_size: int = 0
    """The size that large files are said to have, or 0 for the true one."""

    def __enter__(self) -> LocalHub:
        hub = self

        class Bound(_Handler):
            state = hub

        self._servers = [ThreadingHTTPServer(("127.0.0.1", 0), Bound) for _ in range(2)]
        for server in self._servers:
            server.daemon_threads = True
            threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        self.url, self.store = (f"http://127.0.0.1:{s.server_port}" for s in self._servers)
        return self

    def __exit__(self, *_: object) -> None:
        for server in self._servers:
            server.shutdown()
            server.server_close()


class _Handler(BaseHTTPRequestHandler):
    state: LocalHub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Keep quiet; the requests are recorded instead."""

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = self._note()
        if self.state.broken:
            return self._answer(self.state.broken)
        if path.startswith("/store/"):
            return self._large(self.state.blobs[path.removeprefix("/store/")])
        if path.endswith("/variables"):
            return self._json({v["key"]: {"value": v["value"]} for v in self.state.variables})
        if "/tree/" in path:
            _, _, _, owner, name, _, branch = path.split("/")
            files = self.state.repositories[f"{owner}/{name}"].files(branch)
            entry = {"type": "file", "oid": "0" * 40}
            return self._json([entry | {"path": p, "size": len(d)} for p, d in files.items()])
        if "/resolve/" not in path:
            return self._answer(404)
        name, _, rest = path.strip("/").partition("/resolve/")
        revision, _, file = rest.partition("/")
        repository = self.state.repositories.get(name)
        known = self.headers.get("Authorization") == f"Bearer {TOKEN}"
        if repository is None or (repository.private and not known):
            return self._answer(401, {"X-Error-Code": "RepoNotFound"})
        if repository.gated and not known:
            return self._answer(401, {"X-Error-Code": "GatedRepo"})
        commit = repository.names.get(revision, revision)
        if commit not in repository.commits:
            return self._answer(404, {"X-Error-Code": "RevisionNotFound"})
        headers = {"X-Repo-Commit": commit}
        if file not in repository.commits[commit]:
            return self._answer(404, headers | {"X-Error-Code": "EntryNotFound"})
        return self._file(repository.commits[commit][file], file, headers)

    def _file(self, data: bytes, file: str, headers: dict[str, str]) -> None:
        if not file.endswith(LARGE):
            return self._answer(
                200, headers | {"ETag": f'"{hashlib.sha1(data).hexdigest()}"'}, data
            )
        digest = hashlib.sha256(data).hexdigest()
        self.state.blobs[digest] = data
        size = self.state.claimed_size or len(data)
        headers |= {"X-Linked-Etag": f'"{digest}"', "X-Linked-Size": str(size)}
        return self._answer(302, headers | {"Location": f"{self.state.store}/store/{digest}"})

    def _large(self, data: bytes) -> None:
        if self.state.rotten:
            data = bytes([data[0] ^ 255]) + data[1:]
        begin = 0
        if wanted := self.headers.get("Range"):
            begin = int(wanted.removeprefix("bytes=").rstrip("-"))
        body = data[begin:]
        self.send_response(206 if wanted else 200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Range", f"bytes {begin}-{len(data) - 1}/{len(data)}")
        self.end_headers()
        if self.state.cuts:
            self.state.cuts -= 1
            self.wfile.write(body[: len(body) // 2])
            self.close_connection = True
            return
        self.wfile.write(body)

    def do_PUT(self) -> None:
        path = self._note()
        data = self._body()
        assert hashlib.sha256(data).hexdigest() == path.removeprefix("/store/")
        self.state.blobs[path.removeprefix("/store/")] = data
        self._answer(200)

    def do_DELETE(self) -> None:
        self._note()
        key = json.loads(self._body())["key"]
        left = [variable for variable in self.state.variables if variable["key"] != key]
        status = 200 if len(left) < len(self.state.variables) else 404
        self.state.variables[:] = left
        self._answer(status, {"Content-Type": "application/json"}, b"{}")

    def do_POST(self) -> None:
        path = self._note()
        body = self._body()
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            return self._answer(401, {"X-Error-Message": "Invalid username or password."})
        if path == "/api/repos/create":
            wanted = json.loads(body)
            self.state.created.append(wanted)
            name = f"{wanted.get('organization') or 'me'}/{wanted['name']}"
            self.state.repositories.setdefault(name, Repository())
            return self._json({"url": f"{self.state.url}/{name}", "name": name, "id": name})
        if path == "/api/validate-yaml":
            return self._json({"errors": [], "warnings": []})
        if path.endswith("/variables"):
            self.state.variables.append(json.loads(body))
            return self._json({})
        if "/preupload/" in path:
            files = [file["path"] for file in json.loads(body)["files"]]
            modes = {True: "lfs", False: "regular"}
            return self._json(
                {
                    "files": [
                        {"path": f, "uploadMode": modes[f.endswith(LARGE)], "shouldIgnore": False}
                        for f in files
                    ]
                }
            )
        if path.endswith("/info/lfs/objects/batch"):
            objects = json.loads(body)["objects"]
            for entry in objects:
                entry["actions"] = {
                    "upload": {"href": f"{self.state.store}/store/{entry['oid']}", "header": {}}
                }
            return self._json({"transfer": "basic", "objects": objects})
        return self._commit(path, body)

    def _commit(self, path: str, body: bytes) -> None:
        _, _, _, owner, name, action, branch = path.split("/")
        assert action == "commit"
        files: dict[str, bytes] = {}
        deleted = []
        for line in body.splitlines():
            entry = json.loads(line)
            value = entry["value"]
            if entry["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif entry["key"] == "lfsFile":
                files[value["path"]] = self.state.blobs[value["oid"]]
            elif entry["key"] == "deletedFile":
                deleted.append(value["path"])
        commit = self.state.repositories[f"{owner}/{name}"].commit(files, branch, deleted)
        where = f"{self.state.url}/{owner}/{name}/commit/{commit}"
        self._json({"success": True, "commitOid": commit, "commitUrl": where})

    def _note(self) -> str:
        path = urlsplit(self.path).path
        self.state.requests.append(f"{self.command} {path}")
        return path

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _json(self, value: object) -> None:
        self._answer(200, {"Content-Type": "application/json"}, json.dumps(value).encode())

    def _answer(
        self, status: int, headers: dict[str, str] | None = None, body: bytes = b""
    ) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
