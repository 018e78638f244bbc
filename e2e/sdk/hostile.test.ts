import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

import { WrappedJoinRequest, WrappedJoinRequest_Compression } from "@livekit/protocol";
import { expect, test } from "vitest";

import { eventually } from "../harness/eventually.ts";
import { ANNA, BEN } from "../harness/people.ts";
import { floodWithGarbage, garbage, joinRequest, RoughClient } from "../harness/rough-client.ts";
import type { SdkClient } from "./client.ts";
import { allWell, join, perceptions, roomName, roomService, target, token } from "./meeting.ts";

const http = target.url.replace(/^ws/, "http");

/** Two well-behaved people who must not notice what happens beside them. */
async function quietMeeting(): Promise<{ room: string; stillWell: () => Promise<void> }> {
  const room = roomName();
  const group: SdkClient[] = [await join(room, ANNA), await join(room, BEN)];
  for (const client of group) await Promise.all([client.sendColour(), client.sendTone()]);
  let disturbed = false;
  for (const { room } of group) room.on("reconnecting", () => (disturbed = true));
  const stillWell = async () => {
    for (const client of group) client.forget();
    await eventually("the quiet meeting", () => perceptions(group), allWell(group));
    expect(disturbed).toBe(false);
  };
  await stillWell();
  return { room, stillWell };
}

const FRAMES: [string, (client: RoughClient) => void][] = [
  ["meaningless bytes", (client) => client.sendBytes(garbage(500, 1))],
  ["an empty frame", (client) => client.sendBytes(new Uint8Array())],
  ["text that is no JSON", (client) => client.sendText("hello {")],
  ["a frame over the limit", (client) => client.sendBytes(garbage(3_000_000, 2))],
  [
    "an offer that is no SDP",
    (client) => client.sendText('{"offer":{"type":"offer","sdp":"v=0\\r\\nm=\\r\\n","id":1}}'),
  ],
  ["an answer to nothing", (client) => client.sendText('{"answer":{"type":"answer","sdp":"","id":7}}')],
  [
    "a candidate that is no JSON",
    (client) => client.sendText('{"trickle":{"candidateInit":"{","target":"PUBLISHER"}}'),
  ],
  ["a mute of nobody's track", (client) => client.sendText('{"mute":{"sid":"TR_nobody","muted":true}}')],
  [
    "metadata of a megabyte",
    (client) => client.sendText(JSON.stringify({ updateMetadata: { metadata: "x".repeat(1_000_000) } })),
  ],
];

test("a client that sends nonsense harms nobody else in its room", async () => {
  const { room, stillWell } = await quietMeeting();
  for (const [what, send] of FRAMES) {
    const client = await RoughClient.connect(target.url, await token(room, `Mallory ${what}`));
    await eventually(`the answer to ${what}`, () => client.kinds[0], "join");
    send(client);
    client.vanish();
  }
  await stillWell();
  const present = async () =>
    (await roomService.listParticipants(room)).map(({ identity }) => identity).sort();
  await eventually("who is left", present, ["Anna", "Ben"]);
});

test("join requests that make no sense are refused, and never with the 404 that clients take for an old server", async () => {
  const good = await token(roomName(), "Mallory");
  const bomb = new WrappedJoinRequest({
    compression: WrappedJoinRequest_Compression.GZIP,
    joinRequest: gzipSync(Buffer.alloc(8_000_000)),
  });
  const bombText = Buffer.from(bomb.toBinary()).toString("base64url");
  for (const bad of ["", "!!!", "AAAA", garbage(300, 3).toString("base64url"), bombText]) {
    const query = `access_token=${good}&join_request=${bad}`;
    await expect(RoughClient.connectAt(`${target.url}/rtc/v1?${query}`)).rejects.toThrow("refused with 400");
    expect((await fetch(`${http}/rtc/v1/validate?${query}`)).status).toBe(400);
  }
  const listed = `${target.url}/rtc/v1?access_token=${"x".repeat(12_000)}&join_request=${joinRequest()}`;
  await expect(RoughClient.connectAt(listed)).rejects.toThrow(/refused with (401|414|431)/);
});

test("someone who never sends media, and someone who vanishes, do not stay", async () => {
  const room = roomName();
  await join(room, ANNA);
  const silent = await RoughClient.connect(target.url, await token(room, "Silent"));
  await eventually("the welcome", () => silent.kinds[0], "join");
  silent.vanish();
  const present = async () => (await roomService.listParticipants(room)).map(({ identity }) => identity);
  await eventually("who is left", present, ["Anna"]);
});

test("someone whose machine dies in the middle of a meeting is gone after a while", async () => {
  const room = roomName();
  const anna = await join(room, ANNA);
  const script = fileURLToPath(new URL("vanishing-client.mjs", import.meta.url));
  const child = spawn(process.execPath, [script, target.url, await token(room, "Dora")], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  await once(child.stdout, "data");
  const tracks = () => anna.room.remoteParticipants.get("Dora")?.trackPublications.size;
  await eventually("her track", tracks, 1);
  child.kill("SIGKILL");
  await eventually("who is left at Anna's", () => anna.others(), []);
  expect((await roomService.listParticipants(room)).map(({ identity }) => identity)).toEqual(["Anna"]);
});

test("a resume of a session that is not there is told to start anew, not refused", async () => {
  const again = joinRequest({ reconnect: true, participantSid: "PA_gone" });
  const good = await token(roomName(), "Ghost");
  const client = await RoughClient.connectAt(
    `${target.url}/rtc/v1?access_token=${good}&join_request=${again}`,
  );
  await eventually("what it is told", () => client.kinds, ["leave"]);
  await eventually("the end", () => client.closed, true);
});

test("the admin API refuses what it cannot read", async () => {
  const call = (body: BodyInit, contentType: string, method = "ListRooms") =>
    fetch(`${http}/twirp/livekit.RoomService/${method}`, {
      method: "POST",
      body,
      headers: { "content-type": contentType },
    });
  expect((await call("{}", "application/json")).status).toBe(401);
  expect((await call("{", "application/json")).status).toBeLessThan(500);
  expect((await call("{}", "text/plain")).status).toBe(404);
  expect((await call("{}", "application/json", "Nothing")).status).toBe(404);
  expect((await call(garbage(100, 4), "application/protobuf")).status).toBeLessThan(500);
  const huge = await call(Buffer.alloc(11_000_000, "x"), "application/json").catch(() => ({ status: 413 }));
  expect([400, 401, 413]).toContain(huge.status);
});

test.runIf(target.udpPort)("a flood of meaningless datagrams passes a meeting by", async () => {
  const { stillWell } = await quietMeeting();
  await floodWithGarbage(target.udpPort ?? 0, 20_000);
  await stillWell();
});
