"""Three people made of the Python SDK, in both peer connection modes."""

from __future__ import annotations

import asyncio

import pytest
from livekit import rtc

from client import Client, eventually
from conftest import Join
from people import ANNA, BEN, CARA

MODES = pytest.mark.parametrize("single", [True, False], ids=["single", "dual"])


def perceptions(group: list[Client]) -> dict[str, tuple[str, str]]:
    return {f"{watcher.person.name} of {other.person.name}": watcher.perceives(other.person.name) for watcher in group for other in group if watcher is not other}


def all_well(group: list[Client]) -> dict[str, tuple[str, str]]:
    return {f"{watcher.person.name} of {other.person.name}": (other.person.name,) * 2 for watcher in group for other in group if watcher is not other}


@MODES
async def test_three_people_see_and_hear_each_other(join: Join, single: bool) -> None:
    group = [await join(person, single=single) for person in (ANNA, BEN, CARA)]
    for client in group:
        await client.send_colour()
        await client.send_tone()
    await eventually("the meeting", lambda: perceptions(group), all_well(group))


async def test_both_modes_share_a_room(join: Join) -> None:
    group = [await join(ANNA, single=True), await join(BEN, single=False), await join(CARA)]
    await asyncio.gather(*(client.send_colour() for client in group), *(client.send_tone() for client in group))
    await eventually("the meeting", lambda: perceptions(group), all_well(group))


@MODES
async def test_a_latecomer_sees_and_hears_who_is_there(join: Join, single: bool) -> None:
    anna = await join(ANNA, single=single)
    await anna.send_colour()
    await anna.send_tone()
    ben = await join(BEN, single=single)
    assert ben.others() == ["Anna"]
    await eventually("Ben's view", lambda: ben.perceives("Anna"), ("Anna", "Anna"))


@pytest.mark.parametrize("codec", ["H264", "VP9", "AV1"])
async def test_other_codecs_arrive(join: Join, codec: str) -> None:
    anna, ben = await join(ANNA), await join(BEN)
    await anna.send_colour(rtc.VideoCodec.Value(codec))
    await eventually("Ben's view", lambda: ben.seen.get("Anna"), "Anna")


async def test_muting_stops_the_sound_and_unmuting_brings_it_back(join: Join) -> None:
    anna, ben = await join(ANNA), await join(BEN)
    tone = await anna.send_tone()
    await eventually("before", lambda: ben.heard.get("Anna"), "Anna")
    tone.mute()
    await eventually("muted", lambda: [p.muted for p in ben.room.remote_participants["Anna"].track_publications.values()], [True])
    await eventually("while muted", lambda: ben.heard.get("Anna"), "silence")
    tone.unmute()
    await eventually("unmuted", lambda: [p.muted for p in ben.room.remote_participants["Anna"].track_publications.values()], [False])
    await eventually("after", lambda: ben.heard.get("Anna"), "Anna")


@MODES
async def test_tracks_come_and_go(join: Join, single: bool) -> None:
    anna, ben = await join(ANNA, single=single), await join(BEN, single=single)
    for _ in range(3):
        colour, tone = await anna.send_colour(), await anna.send_tone()
        await eventually("published", lambda: ben.perceives("Anna"), ("Anna", "Anna"))
        await anna.local.unpublish_track(colour.sid)
        await anna.local.unpublish_track(tone.sid)
        await eventually("taken back", lambda: len(ben.room.remote_participants["Anna"].track_publications), 0)
        ben.forget()


async def test_who_does_not_want_a_track_does_not_get_it(join: Join) -> None:
    anna, ben = await join(ANNA), await join(BEN)
    await anna.send_colour()
    await anna.send_tone()
    await eventually("Ben's view", lambda: ben.perceives("Anna"), ("Anna", "Anna"))
    publications = ben.room.remote_participants["Anna"].track_publications.values()
    video = next(publication for publication in publications if publication.kind == rtc.TrackKind.KIND_VIDEO)
    video.set_subscribed(False)
    await eventually("the track", lambda: video.track, None)
    # Frames on their way may still come, and a server may end a track with black ones; then it is over.
    for _ in range(20):
        ben.forget()
        await eventually("the sound goes on", lambda: ben.heard.get("Anna"), "Anna")
        if ben.seen.get("Anna") != "Anna":
            break
    assert ben.seen.get("Anna") != "Anna"
    video.set_subscribed(True)
    await eventually("the picture comes back", lambda: ben.seen.get("Anna"), "Anna")
