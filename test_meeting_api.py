#!/usr/bin/env python3
"""Verifies all endpoints of a running heydok: python test_meeting_api.py [http://localhost:8000]

Creates meetings, joins them, reads, chats, ends them, and says for each call whether it answered as documented. Ends with 0
where all did. It needs Python alone, leaves nothing running and may be used on a server in production.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote, urlsplit
from urllib.request import Request, urlopen

CODE = re.compile(r"[a-z]{3}-[a-z]{4}-[a-z]{3}")
NOBODYS_MEETING = "abc-defg-hij"
PATIENCE_SECONDS = 20


class Wrong(Exception):
    """An answer that is not as documented."""


class Api:
    """A server, by its address."""

    def __init__(self, base: str) -> None:
        self.base = base.rstrip("/")

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """Status and body: JSON where it is JSON, otherwise text."""
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        data = None
        if body is not None:
            data = json.dumps(body).encode()
            names["Content-Type"] = "application/json"
        request = Request(self.base + path, data=data, headers=names, method=method)
        try:
            with urlopen(request, timeout=PATIENCE_SECONDS) as answer:
                status, content = answer.status, answer.read()
        except HTTPError as error:
            status, content = error.code, error.read()
        text = content.decode(errors="replace")
        try:
            return status, json.loads(text)
        except ValueError:
            return status, text


def expect(condition: bool, what: object) -> None:
    if not condition:
        raise Wrong(str(what)[:300])


def fields(answer: tuple[int, Any], *names: str, status: int = 200) -> dict[str, Any]:
    """The body of an answer with this status that has all these fields."""
    expect(answer[0] == status, f"status {answer[0]} instead of {status}: {answer[1]}")
    expect(isinstance(answer[1], dict), f"no JSON object: {answer[1]}")
    missing = [name for name in names if name not in answer[1]]
    expect(not missing, f"without {', '.join(missing)}: {answer[1]}")
    return answer[1]


def refused(answer: tuple[int, Any], status: int, code: str) -> None:
    found = fields(answer, "code", "detail", status=status)["code"]
    expect(found == code, f"code {found} instead of {code}")


class Journey:
    """The calls in the order of a meeting; each step leaves what the next ones need."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.meeting: dict[str, Any] = {}
        self.guest: dict[str, Any] = {}

    def code(self) -> str:
        expect("meeting_id" in self.meeting, "no meeting could be created")
        return str(self.meeting["meeting_id"])

    def path(self, end: str = "") -> str:
        return f"/api/v1/meetings/{self.code()}{end}"

    def joined(self, field: str) -> str:
        expect(field in self.guest, "nobody could join")
        return str(self.guest[field])

    def health(self) -> None:
        status = fields(self.api.call("GET", "/health"), "status", "version")["status"]
        expect(status == "ok", f"status {status}")

    def ready(self) -> None:
        fields(self.api.call("GET", "/ready"), "ready", "checks")

    def version(self) -> None:
        fields(self.api.call("GET", "/version"), "name", "version")

    def config(self) -> None:
        fields(self.api.call("GET", "/api/v1/config"))

    def metrics(self) -> None:
        status, text = self.api.call("GET", "/metrics")
        expect(status == 401 or "heydok_active_meetings" in str(text), f"status {status}: {text}")

    def create(self) -> None:
        answer = self.api.call("POST", "/api/v1/meetings/create", {"name": "Test Meeting"})
        names = ("meeting_id", "meeting_url", "created_at", "expires_at", "host_key")
        self.meeting = fields(answer, *names)
        code = self.code()
        expect(CODE.fullmatch(code) is not None, f"meeting id {code}")
        expect(code in self.meeting["meeting_url"], self.meeting["meeting_url"])

    def create_without_body(self) -> None:
        made = fields(self.api.call("POST", "/api/v1/meetings/create"), "meeting_id", "host_key")
        path = f"/api/v1/meetings/{made['meeting_id']}"
        fields(self.api.call("DELETE", path, X_Host_Key=made["host_key"]))

    def page(self) -> None:
        status, text = self.api.call("GET", f"/meeting/{self.code()}")
        expect(status == 200 and "<html" in text, f"status {status}: {text}")

    def page_html(self) -> None:
        status, text = self.api.call("GET", f"/meeting.html?id={self.code()}")
        expect(status == 200 and "<html" in text, f"status {status}: {text}")

    def exists(self) -> None:
        fields(self.api.call("GET", self.path("/exists")), "meeting_id", "exists")

    def info(self) -> None:
        code = fields(self.api.call("GET", self.path("/info")), "meeting_id")["meeting_id"]
        expect(code == self.code(), code)

    def join(self) -> None:
        answer = self.api.call("POST", self.path("/join"), {"display_name": "Test User"})
        self.guest = fields(answer, "token", "meeting_id", "livekit_url", "participant_id")
        expect(urlsplit(self.guest["livekit_url"]).scheme in ("ws", "wss"), self.guest["livekit_url"])
        expect(re.fullmatch(r"guest-\d{8}", self.guest["participant_id"]) is not None, self.guest["participant_id"])

    def livekit(self) -> None:
        """The media server takes the token, where browsers look for it."""
        there = Api(re.sub("^ws", "http", self.joined("livekit_url")))
        answer = there.call("GET", f"/rtc/validate?access_token={quote(self.joined('token'))}")
        expect(answer == (200, "success"), f"{there.base}: {answer}")

    def participants(self) -> None:
        fields(self.api.call("GET", self.path("/participants")), "participants")

    def chat(self) -> None:
        bearer = f"Bearer {self.joined('token')}"
        body = {"text": "Hello", "client_id": "test-meeting-api"}
        # This guest has a token and never came: who is not in the meeting neither writes nor reads.
        refused(self.api.call("POST", self.path("/chat"), body, Authorization=bearer), 409, "invalid_state")
        refused(self.api.call("GET", self.path("/chat"), Authorization=bearer), 409, "invalid_state")
        refused(self.api.call("GET", self.path("/chat")), 401, "unauthenticated")

    def unknown(self) -> None:
        for end in ("/exists", "/info"):
            refused(self.api.call("GET", f"/api/v1/meetings/{NOBODYS_MEETING}{end}"), 404, "meeting_not_found")
        body = {"display_name": "Test User"}
        refused(self.api.call("POST", f"/api/v1/meetings/{NOBODYS_MEETING}/join", body), 404, "meeting_not_found")

    def nameless(self) -> None:
        refused(self.api.call("POST", self.path("/join"), {}), 422, "validation_failed")

    def stranger_cannot_end(self) -> None:
        refused(self.api.call("DELETE", self.path(), X_Host_Key="not-the-host"), 403, "host_key_invalid")

    def end(self) -> None:
        path = self.path()
        answer = self.api.call("DELETE", path, X_Host_Key=str(self.meeting["host_key"]))
        expect(fields(answer, "status")["status"] == "ended", answer)

    def ended(self) -> None:
        refused(self.api.call("GET", self.path("/exists")), 410, "meeting_ended")
        refused(self.api.call("POST", self.path("/join"), {"display_name": "Test User"}), 410, "meeting_ended")

    def webhook(self) -> None:
        answer = self.api.call("POST", "/api/webhooks/livekit", {})
        expect(answer[0] == 401, f"an unsigned webhook is answered {answer}")

    def steps(self) -> list[tuple[str, Callable[[], None]]]:
        meeting = "/api/v1/meetings/{meeting_id}"
        return [
            ("GET /health", self.health),
            ("GET /ready", self.ready),
            ("GET /version", self.version),
            ("GET /metrics", self.metrics),
            ("GET /api/v1/config", self.config),
            ("POST /api/v1/meetings/create", self.create),
            ("POST /api/v1/meetings/create without a body", self.create_without_body),
            ("GET /meeting/{meeting_id}", self.page),
            ("GET /meeting.html?id={meeting_id}", self.page_html),
            (f"GET {meeting}/exists", self.exists),
            (f"GET {meeting}/info", self.info),
            (f"POST {meeting}/join", self.join),
            ("GET {livekit_url}/rtc/validate", self.livekit),
            (f"GET {meeting}/participants", self.participants),
            (f"GET, POST {meeting}/chat", self.chat),
            ("a meeting that does not exist", self.unknown),
            ("joining without a name", self.nameless),
            ("ending without the host key", self.stranger_cannot_end),
            (f"DELETE {meeting}", self.end),
            ("a meeting that has ended", self.ended),
            ("POST /api/webhooks/livekit unsigned", self.webhook),
        ]


def verify(base: str) -> int:
    """Runs all steps against the server at `base` and returns how many failed."""
    failed = 0
    for name, step in Journey(Api(base)).steps():
        try:
            step()
        except (Wrong, OSError) as error:
            failed += 1
            print(f"FAILED  {name}: {error}")
        else:
            print(f"ok      {name}")
    print(f"{base}: {failed} failed" if failed else f"{base}: all endpoints answer as documented")
    return failed


if __name__ == "__main__":
    if len(sys.argv) > 2 or sys.argv[1:] in (["-h"], ["--help"]):
        sys.exit(__doc__)
    sys.exit(1 if verify(sys.argv[1] if len(sys.argv) == 2 else "http://localhost:8000") else 0)
