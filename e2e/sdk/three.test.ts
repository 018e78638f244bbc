import { SimulateScenarioKind, VideoCodec } from "@livekit/rtc-node";
import { expect, test } from "vitest";

import { eventually } from "../harness/eventually.ts";
import { ANNA, BEN, CARA } from "../harness/people.ts";
import { allWell, join, perceptions, roomName } from "./meeting.ts";

test("three people see and hear each other, whoever comes first", async () => {
  const room = roomName();
  const anna = await join(room, ANNA);
  await Promise.all([anna.sendColour(), anna.sendTone()]);
  const [ben, cara] = await Promise.all([join(room, BEN), join(room, CARA)]);
  await Promise.all([ben.sendColour(), ben.sendTone(), cara.sendColour(), cara.sendTone()]);
  const group = [anna, ben, cara];
  await eventually("the meeting", () => perceptions(group), allWell(group));
});

test("someone who comes later sees and hears everyone already there", async () => {
  const room = roomName();
  const [anna, ben] = await Promise.all([join(room, ANNA), join(room, BEN)]);
  await Promise.all([anna.sendColour(), anna.sendTone(), ben.sendColour(), ben.sendTone()]);
  const first = [anna, ben];
  await eventually("the two", () => perceptions(first), allWell(first));
  const cara = await join(room, CARA);
  expect(cara.others()).toEqual(["Anna", "Ben"]);
  await eventually(
    "Cara's view",
    () => [cara.sees("Anna"), cara.hears("Anna"), cara.sees("Ben"), cara.hears("Ben")],
    ["Anna", "Anna", "Ben", "Ben"],
  );
});

test.each([
  ["H264", VideoCodec.H264],
  ["VP9", VideoCodec.VP9],
  ["AV1", VideoCodec.AV1],
])("%s arrives decodable", async (_, codec) => {
  const room = roomName();
  const [anna, ben] = await Promise.all([join(room, ANNA), join(room, BEN)]);
  await anna.sendColour(codec);
  await eventually("Ben's view", () => ben.sees("Anna"), "Anna");
});

test("a simulcast track arrives", async () => {
  const room = roomName();
  const [anna, ben] = await Promise.all([join(room, ANNA), join(room, BEN)]);
  await anna.sendColour(VideoCodec.VP8, true);
  await eventually("Ben's view", () => ben.sees("Anna"), "Anna");
});

test("tracks can be taken back and published again, many times over", async () => {
  const room = roomName();
  const [anna, ben, cara] = await Promise.all([join(room, ANNA), join(room, BEN), join(room, CARA)]);
  await Promise.all([cara.sendColour(), cara.sendTone()]);
  for (let round = 0; round < 4; round += 1) {
    const [colour, tone] = await Promise.all([anna.sendColour(), anna.sendTone()]);
    await eventually(`round ${round}`, () => [ben.sees("Anna"), ben.hears("Anna")], ["Anna", "Anna"]);
    await anna.local.unpublishTrack(colour);
    await anna.local.unpublishTrack(tone);
    await eventually(
      "Anna's tracks at Ben's",
      () => ben.room.remoteParticipants.get("Anna")?.trackPublications.size,
      0,
    );
    ben.forget();
  }
  await eventually("Cara at Ben's", () => [ben.sees("Cara"), ben.hears("Cara")], ["Cara", "Cara"]);
  expect(ben.sees("Anna")).toBe("nothing yet");
});

test.each([
  ["the signal connection", SimulateScenarioKind.SIMULATE_SIGNAL_RECONNECT],
  ["everything", SimulateScenarioKind.SIMULATE_FULL_RECONNECT],
])("media goes on after losing %s", async (_, scenario) => {
  const room = roomName();
  const [anna, ben] = await Promise.all([join(room, ANNA), join(room, BEN)]);
  await Promise.all([anna.sendColour(), anna.sendTone(), ben.sendColour(), ben.sendTone()]);
  const group = [anna, ben];
  await eventually("the meeting before", () => perceptions(group), allWell(group));
  let reconnected = false;
  anna.room.on("reconnected", () => {
    reconnected = true;
  });
  await anna.room.simulateScenario(scenario);
  await eventually("Anna's connection", () => reconnected, true);
  for (const client of group) client.forget();
  await eventually("the meeting after", () => perceptions(group), allWell(group));
  expect(ben.others()).toEqual(["Anna"]);
});
