import { DisconnectReason } from "@livekit/rtc-node";
import { AccessToken, RoomServiceClient } from "livekit-server-sdk";
import { afterEach, expect, test } from "vitest";

import { Api } from "../harness/api.ts";
import { eventually } from "../harness/eventually.ts";
import { ANNA, BEN, CARA, type Person } from "../harness/people.ts";
import { KEY, oneProcess, type Product, SECRET, twoProcesses } from "../harness/product.ts";
import { SdkClient } from "./client.ts";

const open: { stop: () => Promise<void> }[] = [];

afterEach(async () => {
  for (const { stop } of open.splice(0).reverse()) await stop();
});

async function started(product: Promise<Product>): Promise<{ product: Product; api: Api }> {
  const running = await product;
  open.push(running);
  return { product: running, api: new Api(running) };
}

async function enter(url: string, token: string, person: Person): Promise<SdkClient> {
  const client = await SdkClient.join(url, token, person);
  open.push({ stop: () => client.leave() });
  return client;
}

async function serverSdkToken(room: string, identity: string): Promise<string> {
  const access = new AccessToken(KEY, SECRET, { identity, name: identity });
  access.addGrant({ roomJoin: true, room });
  return await access.toJwt();
}

test("a meeting is open to SDK clients, with our token and with one of a server SDK, until it ends", async () => {
  const { product, api } = await started(oneProcess());
  const meeting = await api.create({ name: "Open house" });
  const code = meeting.meeting_id;
  const admission = await api.join(code, "Anna");
  expect(admission.room_name).toBe(`meeting-${code}`);
  const anna = await enter(admission.livekit_url, admission.token, ANNA);
  const ben = await enter(product.livekitUrl, await serverSdkToken(`meeting-${code}`, "Ben"), BEN);
  await Promise.all([anna.sendColour(), ben.sendTone()]);
  await eventually("what they perceive", () => [ben.sees(admission.participant_id), anna.hears("Ben")], [
    "Anna",
    "Ben",
  ]);
  await eventually("who is in", () => api.participants(code), ["Anna", "Ben"]);

  const rooms = await new RoomServiceClient(product.home, KEY, SECRET).listRooms([`meeting-${code}`]);
  expect(rooms).toMatchObject([{ numParticipants: 2 }]);

  const ends: (DisconnectReason | undefined)[] = [];
  for (const { room } of [anna, ben]) room.on("disconnected", (reason) => ends.push(reason));
  await api.end(meeting);
  await eventually("their ends", () => ends, [DisconnectReason.ROOM_DELETED, DisconnectReason.ROOM_DELETED]);
  await expect(enter(product.livekitUrl, admission.token, ANNA)).rejects.toThrow();
  await expect(api.join(code, "Cara")).rejects.toThrow("410");
});

test("a room that is no meeting is not made by joining it", async () => {
  const { product } = await started(oneProcess());
  await expect(enter(product.livekitUrl, await serverSdkToken("somewhere", "Eve"), CARA)).rejects.toThrow();
});

test("with every webhook lost, the reconciler alone knows who is in a meeting", async () => {
  const { api } = await started(twoProcesses({ hints: false }));
  const { meeting_id } = await api.create();
  const clients: SdkClient[] = [];
  for (const person of [ANNA, BEN, CARA]) {
    const { livekit_url, token } = await api.join(meeting_id, person.name);
    clients.push(await enter(livekit_url, token, person));
  }
  await eventually("who is in", () => api.participants(meeting_id), ["Anna", "Ben", "Cara"]);
  await clients.pop()?.leave();
  await eventually("who is left", () => api.participants(meeting_id), ["Anna", "Ben"]);
});

test("a thousand attempts to join meet the limit, in words that tell when to come back", async () => {
  const { product, api } = await started(oneProcess({ limits: true }));
  const { meeting_id } = await api.create();
  const attempt = async () => {
    const response = await fetch(`${product.home}/api/v1/meetings/${meeting_id}/join`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ display_name: "Mallory" }),
    });
    const { code } = (await response.json()) as { code?: string };
    return { status: response.status, code, retryAfter: Number(response.headers.get("retry-after")) };
  };
  const answers: Awaited<ReturnType<typeof attempt>>[] = [];
  for (let round = 0; round < 20; round += 1)
    answers.push(...(await Promise.all(Array.from({ length: 50 }, attempt))));
  const refused = answers.filter(({ status }) => status === 429);
  expect(refused.length).toBeGreaterThan(900);
  expect(refused.every(({ code, retryAfter }) => code === "rate_limited" && retryAfter > 0)).toBe(true);
  const others = answers.filter(({ status }) => status !== 429).map(({ status }) => status);
  // Whoever comes before the limit gets in until the meeting is full.
  expect(others.every((status) => status === 200 || status === 409)).toBe(true);
  expect((await fetch(`${product.home}/health`)).status).toBe(200);
});
