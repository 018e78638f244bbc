"""One media server for all tests: ours, or the one that LIVEKIT_URL names."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from queue import Empty, Queue
from uuid import uuid4

import pytest
from livekit import api

from client import Client
from people import Person

REPOSITORY = Path(__file__).resolve().parents[2]
START_LIMIT_S = 60


@dataclass(frozen=True)
class Target:
    url: str
    key: str
    secret: str

    def token(self, room: str, identity: str, **grants: object) -> str:
        """A token made as an application would make it with the server SDK."""
        video = api.VideoGrants(room_join=True, room=room, can_update_own_metadata=True, **grants)  # type: ignore[arg-type]
        return (
            api.AccessToken(self.key, self.secret)
            .with_identity(identity)
            .with_name(identity)
            .with_ttl(timedelta(minutes=10))
            .with_grants(video)
            .to_jwt()
        )


def binary_path() -> Path:
    target = Path(os.environ.get("CARGO_TARGET_DIR", REPOSITORY / "target"))
    return Path(os.environ.get("HEYDOK_BIN", target / "release" / "heydok"))


@pytest.fixture(scope="session")
def target() -> Iterator[Target]:
    if url := os.environ.get("LIVEKIT_URL"):
        yield Target(url, os.environ["LIVEKIT_API_KEY"], os.environ["LIVEKIT_API_SECRET"])
        return
    key, secret = "APIpythontests", "a secret that only the tests use, and long enough"
    with tempfile.TemporaryDirectory(prefix="heydok-python-") as folder:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": folder,
            "DATA_DIR": f"{folder}/data",
            "PORT": "0",
            "RTC_UDP_PORT": "0",
            "RTC_TCP_PORT": "0",
            "LIVEKIT_API_KEY": key,
            "LIVEKIT_API_SECRET": secret,
        }
        server = subprocess.Popen(
            [binary_path(), "media"], cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        lines: Queue[str] = Queue()
        threading.Thread(target=lambda: [lines.put(line) for line in server.stdout or ()], daemon=True).start()
        try:
            yield Target(address_of(lines), key, secret)
            assert server.poll() is None, "the server ended during the tests"
        finally:
            server.terminate()
            server.wait(timeout=20)


def address_of(lines: Queue[str]) -> str:
    printed = ""
    while True:
        try:
            printed += lines.get(timeout=START_LIMIT_S)
        except Empty:
            raise RuntimeError(f"heydok media did not print its address:\n{printed}") from None
        if found := re.search(r"listening on http(://[^\s\"]+)", printed):
            return f"ws{found[1].rstrip('/')}"


@pytest.fixture
def room() -> str:
    return f"meeting-{uuid4()}"


Join = Callable[..., Awaitable[Client]]


@pytest.fixture
async def join(target: Target, room: str) -> AsyncIterator[Join]:
    """Lets a person join the test's room; everyone leaves when the test is over."""
    clients: list[Client] = []

    async def join_one(person: Person, *, single: bool | None = None, identity: str | None = None, **grants: object) -> Client:
        token = target.token(room, identity or person.name, **grants)
        client = await Client.join(target.url, token, person, single=single)
        clients.append(client)
        return client

    yield join_one
    for client in clients:
        await client.leave()


@pytest.fixture
async def service(target: Target) -> AsyncIterator[api.LiveKitAPI]:
    async with api.LiveKitAPI(target.url.replace("ws", "http", 1), target.key, target.secret) as livekit:
        yield livekit
