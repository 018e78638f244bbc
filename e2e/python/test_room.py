"""Data, presence and the admin API (Twirp over protobuf) with the Python SDKs."""

from __future__ import annotations

import pytest
from livekit import api, rtc

from client import Client, eventually
from conftest import Join
from people import ANNA, BEN, CARA


def messages_of(client: Client) -> list[tuple[bytes, str | None, str | None]]:
    messages: list[tuple[bytes, str | None, str | None]] = []

    @client.room.on("data_received")
    def receive(packet: rtc.DataPacket) -> None:
        messages.append((packet.data, packet.participant.identity if packet.participant else None, packet.topic))

    return messages


@pytest.mark.parametrize("single", [True, False], ids=["single", "dual"])
async def test_data_goes_both_ways(join: Join, single: bool) -> None:
    anna, ben, cara = [await join(person, single=single) for person in (ANNA, BEN, CARA)]
    for client in (anna, ben, cara):
        await eventually("everyone in", lambda client=client: len(client.others()), 2)
    at_anna, at_ben, at_cara = messages_of(anna), messages_of(ben), messages_of(cara)
    await anna.local.publish_data(b"for Ben", reliable=True, destination_identities=["Ben"], topic="t")
    await anna.local.publish_data(b"for all", reliable=True, topic="t")
    await eventually("Ben's", lambda: at_ben, [(b"for Ben", "Anna", "t"), (b"for all", "Anna", "t")])
    await eventually("Cara's", lambda: at_cara, [(b"for all", "Anna", "t")])
    await ben.local.publish_data(bytes(60_000), reliable=True)
    await eventually("Anna's", lambda: [len(data) for data, _, _ in at_anna], [60_000])


async def test_calls_and_streams(join: Join) -> None:
    anna, ben = await join(ANNA), await join(BEN)
    await eventually("Ben at Anna's", anna.others, ["Ben"])

    @ben.local.register_rpc_method("double")
    async def double(call: rtc.RpcInvocationData) -> str:
        return f"{call.caller_identity}: {int(call.payload) * 2}"

    assert await anna.local.perform_rpc(destination_identity="Ben", method="double", payload="21") == "Anna: 42"
    texts: list[str] = []

    def receive(reader: rtc.TextStreamReader, identity: str) -> None:
        async def read() -> None:
            texts.append(f"{identity}: {await reader.read_all()}")

        ben._start(read())

    ben.room.register_text_stream_handler("notes", receive)
    text = "all work and no play " * 5_000
    await anna.local.send_text(text, topic="notes")
    await eventually("the text", lambda: texts, [f"Anna: {text}"])


async def test_what_one_says_of_oneself_reaches_the_others(join: Join) -> None:
    anna, ben = await join(ANNA), await join(BEN)
    await anna.local.set_metadata("likes tea")
    await anna.local.set_name("Anna A.")
    await anna.local.set_attributes({"hand": "raised"})

    def at_ben() -> object:
        remote = ben.room.remote_participants["Anna"]
        return remote.metadata, remote.name, dict(remote.attributes)

    await eventually("Anna at Ben's", at_ben, ("likes tea", "Anna A.", {"hand": "raised"}))


async def test_the_newer_connection_of_an_identity_wins(join: Join) -> None:
    anna, ben = await join(ANNA), await join(BEN)
    reasons: list[int] = []
    anna.room.on("disconnected", lambda reason: reasons.append(reason))
    newer = await join(CARA, identity="Anna")
    await eventually("the older one's end", lambda: reasons, [rtc.DisconnectReason.DUPLICATE_IDENTITY])
    await newer.send_tone()
    await eventually("what Ben hears", lambda: ben.heard.get("Anna"), "Cara")
    assert ben.others() == ["Anna"]


async def test_the_admin_api(join: Join, room: str, service: api.LiveKitAPI) -> None:
    created = await service.room.create_room(api.CreateRoomRequest(name=room, empty_timeout=600, metadata="first"))
    assert (created.name, created.empty_timeout, created.metadata) == (room, 600, "first")
    anna, ben = await join(ANNA), await join(BEN)
    tone = await anna.send_tone()
    await eventually("what Ben hears", lambda: ben.heard.get("Anna"), "Anna")
    listed = await service.room.list_participants(api.ListParticipantsRequest(room=room))
    assert sorted(participant.identity for participant in listed.participants) == ["Anna", "Ben"]
    await service.room.mute_published_track(api.MuteRoomTrackRequest(room=room, identity="Anna", track_sid=tone.sid, muted=True))
    await eventually("muted", lambda: [p.muted for p in ben.room.remote_participants["Anna"].track_publications.values()], [True])
    at_ben = messages_of(ben)
    await service.room.send_data(api.SendDataRequest(room=room, data=b"hello", kind=0, topic="chat", destination_identities=["Ben"]))
    await eventually("the server's message", lambda: at_ben, [(b"hello", None, "chat")])
    await service.room.update_room_metadata(api.UpdateRoomMetadataRequest(room=room, metadata="agenda"))
    await eventually("the agenda", lambda: anna.room.metadata, "agenda")
    reasons: list[int] = []
    ben.room.on("disconnected", lambda reason: reasons.append(reason))
    await service.room.remove_participant(api.RoomParticipantIdentity(room=room, identity="Ben"))
    await eventually("Ben's end", lambda: reasons, [rtc.DisconnectReason.PARTICIPANT_REMOVED])
    await service.room.delete_room(api.DeleteRoomRequest(room=room))
    assert len((await service.room.list_rooms(api.ListRoomsRequest(names=[room]))).rooms) == 0
    with pytest.raises(api.TwirpError) as caught:
        await service.room.delete_room(api.DeleteRoomRequest(room=room))
    assert caught.value.code == api.TwirpErrorCode.NOT_FOUND


async def test_a_stranger_gets_nowhere(room: str, target: object) -> None:
    url = target.url  # type: ignore[attr-defined]
    wrong = api.AccessToken("APIunknown", "a secret nobody knows, but long enough").with_identity("Eve")
    with pytest.raises(rtc.ConnectError):
        await rtc.Room().connect(url, wrong.with_grants(api.VideoGrants(room_join=True, room=room)).to_jwt())
    async with api.LiveKitAPI(url.replace("ws", "http", 1), target.key, "not the secret, but long enough too") as stranger:  # type: ignore[attr-defined]
        with pytest.raises(api.TwirpError) as caught:
            await stranger.room.list_rooms(api.ListRoomsRequest())
    assert caught.value.status == 401
