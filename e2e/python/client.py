"""A participant made of the Python SDK, with a colour and a tone to send, and eyes and ears for the others'."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Coroutine
from typing import Any

import numpy as np
from livekit import rtc

from people import SAMPLE_RATE, Person, whose_colour, whose_tone

WIDTH, HEIGHT = 320, 180


class Client:
    def __init__(self, person: Person) -> None:
        self.person = person
        self.room = rtc.Room()
        self.seen: dict[str, str] = {}
        self.heard: dict[str, str] = {}
        self.sizes: dict[str, tuple[int, int]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.room.on("track_subscribed", self._perceive)

    @classmethod
    async def join(cls, url: str, token: str, person: Person, *, single: bool | None = None) -> Client:
        client = cls(person)
        await client.room.connect(url, token, rtc.RoomOptions(single_peer_connection=single))
        return client

    async def leave(self) -> None:
        for task in self._tasks:
            task.cancel()
        await self.room.disconnect()

    @property
    def local(self) -> rtc.LocalParticipant:
        return self.room.local_participant

    def others(self) -> list[str]:
        return sorted(self.room.remote_participants)

    def perceives(self, identity: str) -> tuple[str, str]:
        """Whose colour and whose tone arrive on the tracks of this participant now."""
        return self.seen.get(identity, "nothing yet"), self.heard.get(identity, "nothing yet")

    def forget(self) -> None:
        self.seen.clear()
        self.heard.clear()

    async def send_colour(self, codec: rtc.VideoCodec.ValueType = rtc.VideoCodec.VP8, *, simulcast: bool = False) -> rtc.LocalVideoTrack:
        source = rtc.VideoSource(WIDTH, HEIGHT)
        track = rtc.LocalVideoTrack.create_video_track("camera", source)
        pixels = np.full((HEIGHT, WIDTH, 4), (*self.person.colour, 255), dtype=np.uint8)
        frame = rtc.VideoFrame(WIDTH, HEIGHT, rtc.VideoBufferType.RGBA, pixels.tobytes())

        async def send() -> None:
            while True:
                source.capture_frame(frame)
                await asyncio.sleep(1 / 15)

        self._start(send())
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_CAMERA, video_codec=codec, simulcast=simulcast)
        await self.local.publish_track(track, options)
        return track

    async def send_tone(self) -> rtc.LocalAudioTrack:
        source = rtc.AudioSource(SAMPLE_RATE, 1)
        track = rtc.LocalAudioTrack.create_audio_track("microphone", source)

        async def send() -> None:
            count, position = SAMPLE_RATE // 50, 0
            while True:
                moments = (np.arange(count) + position) / SAMPLE_RATE
                samples = (9_000 * np.sin(2 * np.pi * self.person.tone * moments)).astype(np.int16)
                await source.capture_frame(rtc.AudioFrame(samples.tobytes(), SAMPLE_RATE, 1, count))
                position += count

        self._start(send())
        await self.local.publish_track(track, rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE, dtx=False))
        return track

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)

    def _perceive(self, track: rtc.Track, _: rtc.RemoteTrackPublication, participant: rtc.RemoteParticipant) -> None:
        watch = self._watch if track.kind == rtc.TrackKind.KIND_VIDEO else self._listen
        self._start(watch(track, participant.identity))

    async def _watch(self, track: rtc.Track, identity: str) -> None:
        async for event in rtc.VideoStream(track, format=rtc.VideoBufferType.RGBA):
            frame = event.frame
            pixels = np.frombuffer(frame.data, dtype=np.uint8).reshape(frame.height, frame.width, 4)
            self.sizes[identity] = (frame.width, frame.height)
            self.seen[identity] = whose_colour(pixels[:, :, :3].mean(axis=(0, 1)))

    async def _listen(self, track: rtc.Track, identity: str) -> None:
        window: list[np.ndarray[Any, Any]] = []
        async for event in rtc.AudioStream(track, sample_rate=SAMPLE_RATE, num_channels=1):
            window.append(np.frombuffer(event.frame.data, dtype=np.int16) / 32_768)
            if sum(map(len, window)) >= SAMPLE_RATE // 5:
                self.heard[identity] = whose_tone(np.concatenate(window))
                window.clear()


async def eventually(what: str, probe: Callable[[], object], wanted: object, limit_s: float = 45) -> None:
    """Waits until the probe gives the wanted value, and names the last other one when it never does."""
    deadline = time.monotonic() + limit_s
    while (seen := probe()) != wanted:
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: wanted {json.dumps(wanted, default=str)}, last seen {json.dumps(seen, default=str)}")
        await asyncio.sleep(0.05)
