import { WebhookReceiver } from "livekit-server-sdk";
import { expect, test } from "vitest";

import { eventually } from "../harness/eventually.ts";
import { ANNA } from "../harness/people.ts";
import { present } from "../harness/present.ts";
import type { Delivery } from "../harness/webhook-inbox.ts";
import { join, roomName, roomService, target } from "./meeting.ts";

const receiver = new WebhookReceiver(target.apiKey, target.apiSecret);

async function deliveries(): Promise<Delivery[]> {
  const response = await fetch(present(target.inbox, "the inbox"));
  return (await response.json()) as Delivery[];
}

/** All events of a room so far, each verified by the server SDK. */
async function eventsOf(room: string) {
  const events = await Promise.all(
    (await deliveries()).map(({ body, authorization }) => receiver.receive(body, authorization)),
  );
  return events.filter((event) => event.room?.name === room);
}

test.runIf(target.inbox)(
  "the life of a room is told in order, signed as the server SDK expects it",
  async () => {
    const room = roomName();
    const anna = await join(room, ANNA);
    const sid = await anna.sendTone();
    await eventually("so far", async () => (await eventsOf(room)).map(({ event }) => event), [
      "room_started",
      "participant_joined",
      "track_published",
    ]);
    await anna.local.unpublishTrack(sid);
    await anna.leave();
    await eventually(
      "until she left",
      async () => (await eventsOf(room)).map(({ event }) => event).slice(3),
      ["track_unpublished", "participant_left"],
    );
    await roomService.deleteRoom(room);
    const names = async () => (await eventsOf(room)).map(({ event }) => event).slice(5);
    await eventually("the end", names, ["room_finished"]);
    const events = await eventsOf(room);
    expect(new Set(events.map(({ id }) => id)).size).toBe(events.length);
    expect(events[1]?.participant?.identity).toBe("Anna");
    expect(events[2]?.track?.sid).toBe(sid);
    const contentTypes = (await deliveries()).map(({ contentType }) => contentType);
    expect(new Set(contentTypes)).toEqual(new Set(["application/webhook+json"]));
  },
);

test.runIf(target.inbox)("a changed webhook is noticed", async () => {
  const room = roomName();
  await roomService.createRoom({ name: room });
  await eventually("the start", async () => (await eventsOf(room)).length, 1);
  const delivery = present(
    (await deliveries()).find(({ body }) => body.includes(room)),
    "the webhook",
  );
  await expect(
    receiver.receive(delivery.body.replace(room, "other"), delivery.authorization),
  ).rejects.toThrow();
});
