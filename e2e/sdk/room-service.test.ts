import { DisconnectReason } from "@livekit/rtc-node";
import { DataPacket_Kind, RoomServiceClient, TrackSource, TwirpError } from "livekit-server-sdk";
import { expect, test } from "vitest";

import { eventually } from "../harness/eventually.ts";
import { ANNA, BEN } from "../harness/people.ts";
import type { SdkClient } from "./client.ts";
import { join, roomName, roomService, target } from "./meeting.ts";

/** Why the client was disconnected, once it is. */
function endOf(client: SdkClient): () => DisconnectReason | undefined {
  let reason: DisconnectReason | undefined;
  client.room.on("disconnected", (why) => {
    reason = why;
  });
  return () => reason;
}

test("rooms are created, listed, described and deleted", async () => {
  const name = roomName();
  const created = await roomService.createRoom({
    name,
    emptyTimeout: 600,
    maxParticipants: 7,
    metadata: "first",
  });
  expect(created).toMatchObject({ name, emptyTimeout: 600, maxParticipants: 7, metadata: "first" });
  expect(created.sid).toMatch(/^RM_/);
  const again = await roomService.createRoom({ name });
  expect(again.sid).toBe(created.sid);
  expect((await roomService.listRooms([name])).map(({ sid }) => sid)).toEqual([created.sid]);
  expect((await roomService.listRooms()).map((room) => room.name)).toContain(name);
  expect(await roomService.listRooms([roomName()])).toEqual([]);
  expect(await roomService.listParticipants(name)).toEqual([]);
  await roomService.deleteRoom(name);
  expect(await roomService.listRooms([name])).toEqual([]);
});

test("what does not exist is not found", async () => {
  const name = roomName();
  const notFound = { status: 404, code: "not_found" };
  await expect(roomService.deleteRoom(name)).rejects.toMatchObject(notFound);
  await expect(roomService.getParticipant(name, "Anna")).rejects.toMatchObject(notFound);
  await expect(roomService.updateRoomMetadata(name, "x")).rejects.toMatchObject(notFound);
  expect(await roomService.listParticipants(name)).toEqual([]);
  await roomService.createRoom({ name });
  await expect(roomService.removeParticipant(name, "Anna")).rejects.toMatchObject(notFound);
  await expect(roomService.mutePublishedTrack(name, "Anna", "TR_none", true)).rejects.toThrow();
});

test("a wrong secret is unauthenticated", async () => {
  const stranger = new RoomServiceClient(
    target.url.replace(/^ws/, "http"),
    target.apiKey,
    "not the secret, but just as long",
  );
  await expect(stranger.listRooms()).rejects.toSatisfy(
    (error) => error instanceof TwirpError && error.status === 401,
  );
});

test("participants are listed with their tracks, and muted", async () => {
  const name = roomName();
  const [anna, ben] = await Promise.all([join(name, ANNA), join(name, BEN)]);
  const sid = await anna.sendTone();
  await eventually("what Ben hears", () => ben.hears("Anna"), "Anna");
  const participants = await roomService.listParticipants(name);
  expect(participants.map(({ identity }) => identity).sort()).toEqual(["Anna", "Ben"]);
  const info = await roomService.getParticipant(name, "Anna");
  expect(info.tracks).toMatchObject([{ sid, source: TrackSource.MICROPHONE, muted: false }]);
  const counts = async () =>
    (await roomService.listRooms([name])).map((room) => [room.numParticipants, room.numPublishers]);
  await eventually("the counts of the room", counts, [[2, 1]]);

  const muted = await roomService.mutePublishedTrack(name, "Anna", sid, true);
  expect(muted.muted).toBe(true);
  const atBen = () => ben.room.remoteParticipants.get("Anna")?.trackPublications.get(sid)?.muted;
  await eventually("muted at Ben's", atBen, true);
  // Nobody opens another one's microphone.
  await expect(roomService.mutePublishedTrack(name, "Anna", sid, false)).rejects.toMatchObject({
    status: 412,
  });
});

test("metadata, name, attributes and permission of a participant are changed from outside", async () => {
  const name = roomName();
  const [anna, ben] = await Promise.all([join(name, ANNA), join(name, BEN)]);
  await anna.sendTone();
  await eventually("what Ben hears", () => ben.hears("Anna"), "Anna");
  await roomService.updateParticipant(name, "Anna", { metadata: "m", name: "A", attributes: { a: "1" } });
  const atBen = () => {
    const remote = ben.room.remoteParticipants.get("Anna");
    return [remote?.metadata, remote?.name, remote?.attributes];
  };
  await eventually("Anna at Ben's", atBen, ["m", "A", { a: "1" }]);
  await roomService.updateParticipant(name, "Anna", {
    permission: { canSubscribe: true, canPublish: false, canPublishData: true },
  });
  await eventually("Anna's tracks", () => ben.room.remoteParticipants.get("Anna")?.trackPublications.size, 0);
});

test("room metadata and messages from the server arrive", async () => {
  const name = roomName();
  const [anna, ben] = await Promise.all([join(name, ANNA), join(name, BEN)]);
  await roomService.updateRoomMetadata(name, "agenda");
  await eventually("the room's metadata", () => [anna.room.metadata, ben.room.metadata], [
    "agenda",
    "agenda",
  ]);
  const received: string[] = [];
  for (const client of [anna, ben]) {
    client.room.on("dataReceived", (payload, sender, _kind, topic) => {
      received.push(
        `${client.person.name} ${topic} ${new TextDecoder().decode(payload)} ${sender?.identity ?? "server"}`,
      );
    });
  }
  const data = new TextEncoder().encode("hello");
  await roomService.sendData(name, data, DataPacket_Kind.RELIABLE, {
    destinationIdentities: ["Ben"],
    topic: "chat",
  });
  await eventually("the messages", () => received, ["Ben chat hello server"]);
  await roomService.sendData(name, data, DataPacket_Kind.RELIABLE, { topic: "all" });
  await eventually("the messages", () => received.slice(1).sort(), [
    "Anna all hello server",
    "Ben all hello server",
  ]);
});

test("a removed participant is told so, and so is everyone in a deleted room", async () => {
  const name = roomName();
  const [anna, ben] = await Promise.all([join(name, ANNA), join(name, BEN)]);
  const [annasEnd, bensEnd] = [endOf(anna), endOf(ben)];
  await roomService.removeParticipant(name, "Anna");
  await eventually("Anna's end", annasEnd, DisconnectReason.PARTICIPANT_REMOVED);
  await eventually("the others of Ben", () => ben.others(), []);
  await roomService.deleteRoom(name);
  await eventually("Ben's end", bensEnd, DisconnectReason.ROOM_DELETED);
});

test("a full room takes nobody more", async () => {
  const name = roomName();
  await roomService.createRoom({ name, maxParticipants: 1 });
  await join(name, ANNA);
  await expect(join(name, BEN)).rejects.toThrow();
  expect((await roomService.listParticipants(name)).map(({ identity }) => identity)).toEqual(["Anna"]);
});
