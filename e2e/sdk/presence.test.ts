import { DisconnectReason } from "@livekit/rtc-node";
import { expect, test } from "vitest";

import { eventually } from "../harness/eventually.ts";
import { ANNA, BEN, CARA } from "../harness/people.ts";
import { allWell, join, perceptions, roomName } from "./meeting.ts";

test("everyone learns of joining and leaving", async () => {
  const room = roomName();
  const anna = await join(room, ANNA);
  const events: string[] = [];
  anna.room.on("participantConnected", ({ identity }) => events.push(`${identity} came`));
  anna.room.on("participantDisconnected", ({ identity }) => events.push(`${identity} left`));
  const ben = await join(room, BEN);
  await eventually("Anna's events", () => events, ["Ben came"]);
  await ben.leave();
  await eventually("Anna's events", () => events, ["Ben came", "Ben left"]);
  const again = await join(room, BEN);
  await eventually("Anna's events", () => events, ["Ben came", "Ben left", "Ben came"]);
  expect(again.others()).toEqual(["Anna"]);
});

test("name, metadata and attributes of one reach the others", async () => {
  const room = roomName();
  const [anna, ben] = await Promise.all([join(room, ANNA), join(room, BEN)]);
  await eventually("Anna at Ben's", () => ben.others(), ["Anna"]);
  await anna.local.updateMetadata("likes tea");
  await anna.local.updateName("Anna A.");
  await anna.local.setAttributes({ hand: "raised", seat: "7" });
  const atBen = () => {
    const remote = ben.room.remoteParticipants.get("Anna");
    return [remote?.metadata, remote?.name, remote?.attributes];
  };
  await eventually("Anna at Ben's", atBen, ["likes tea", "Anna A.", { hand: "raised", seat: "7" }]);
  await anna.local.setAttributes({ hand: "" });
  await eventually("Anna at Ben's", atBen, ["likes tea", "Anna A.", { seat: "7" }]);
  const cara = await join(room, CARA);
  expect(cara.room.remoteParticipants.get("Anna")?.metadata).toBe("likes tea");
});

test("the newer connection of an identity replaces the older one", async () => {
  const room = roomName();
  const [anna, ben] = await Promise.all([join(room, ANNA), join(room, BEN)]);
  await anna.sendTone();
  await eventually("Anna at Ben's", () => ben.hears("Anna"), "Anna");
  let reason: DisconnectReason | undefined;
  anna.room.on("disconnected", (why) => {
    reason = why;
  });
  const newer = await join(room, CARA, {}, "Anna");
  await eventually("the older one's end", () => reason, DisconnectReason.DUPLICATE_IDENTITY);
  expect(newer.others()).toEqual(["Ben"]);
  await newer.sendTone();
  ben.forget();
  await eventually("what Ben hears from Anna's identity", () => ben.hears("Anna"), "Cara");
  expect(ben.others()).toEqual(["Anna"]);
});

test("who speaks is told, and who stops as well", async () => {
  const room = roomName();
  const [anna, ben] = await Promise.all([join(room, ANNA), join(room, BEN)]);
  let speakers: string[] = [];
  ben.room.on("activeSpeakersChanged", (list) => {
    speakers = list.map(({ identity }) => identity);
  });
  await anna.sendTone();
  await eventually("the speakers", () => speakers, ["Anna"]);
  anna.hushed = true;
  await eventually("the speakers", () => speakers, []);
});

test("someone who may only watch sees and hears, and publishes nothing", async () => {
  const room = roomName();
  const [anna, ben] = await Promise.all([join(room, ANNA), join(room, BEN)]);
  await Promise.all([anna.sendColour(), anna.sendTone(), ben.sendColour(), ben.sendTone()]);
  const viewer = await join(room, CARA, { canPublish: false });
  await eventually("the viewer's view", () => [viewer.sees("Anna"), viewer.hears("Ben")], ["Anna", "Ben"]);
  await expect(viewer.sendTone()).rejects.toThrow();
  await eventually("the meeting", () => perceptions([anna, ben]), allWell([anna, ben]));
});
