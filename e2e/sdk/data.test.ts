import { type DataPacketKind, RpcError } from "@livekit/rtc-node";
import { expect, test } from "vitest";

import { eventually } from "../harness/eventually.ts";
import { ANNA, BEN, CARA } from "../harness/people.ts";
import type { SdkClient } from "./client.ts";
import { join, roomName } from "./meeting.ts";

interface Message {
  readonly text: string;
  readonly from: string | undefined;
  readonly topic: string | undefined;
}

const encode = (text: string) => new TextEncoder().encode(text);

/** All data messages that the client gets from now on. */
function messagesOf(client: SdkClient): Message[] {
  const messages: Message[] = [];
  client.room.on(
    "dataReceived",
    (payload: Uint8Array, participant, _kind?: DataPacketKind, topic?: string) => {
      messages.push({ text: new TextDecoder().decode(payload), from: participant?.identity, topic });
    },
  );
  return messages;
}

async function three(): Promise<[SdkClient, SdkClient, SdkClient]> {
  const room = roomName();
  const group = await Promise.all([join(room, ANNA), join(room, BEN), join(room, CARA)]);
  for (const client of group) await eventually("everyone in", () => client.others().length, 2);
  return group;
}

test("reliable data reaches everyone else once, in order, with its sender and topic", async () => {
  const [anna, ben, cara] = await three();
  const received = [anna, ben, cara].map(messagesOf);
  for (let count = 0; count < 50; count += 1) {
    await anna.local.publishData(encode(`message ${count}`), { reliable: true, topic: "count" });
  }
  const expected = Array.from({ length: 50 }, (_, count) => ({
    text: `message ${count}`,
    from: "Anna",
    topic: "count",
  }));
  await eventually("Ben's messages", () => received[1], expected);
  await eventually("Cara's messages", () => received[2], expected);
  await ben.local.publishData(encode("back"), { reliable: true, topic: "count" });
  await eventually("Anna's messages", () => received[0], [{ text: "back", from: "Ben", topic: "count" }]);
});

test("lossy data arrives as well", async () => {
  const [anna, ben] = await three();
  const received = messagesOf(ben);
  await eventually(
    "a lossy message",
    async () => {
      await anna.local.publishData(encode("quick"), { reliable: false, topic: "pointer" });
      return received[0];
    },
    { text: "quick", from: "Anna", topic: "pointer" },
  );
});

test("a message to one person reaches nobody else", async () => {
  const [anna, ben, cara] = await three();
  const [atBen, atCara] = [messagesOf(ben), messagesOf(cara)];
  await anna.local.publishData(encode("for Ben"), { reliable: true, destination_identities: ["Ben"] });
  await anna.local.publishData(encode("for all"), { reliable: true });
  await eventually("Cara's messages", () => atCara.map(({ text }) => text), ["for all"]);
  await eventually("Ben's messages", () => atBen.map(({ text }) => text), ["for Ben", "for all"]);
});

test("a message of 60,000 bytes arrives whole", async () => {
  const [anna, ben] = await three();
  const received = messagesOf(ben);
  const text = "0123456789".repeat(6_000);
  await anna.local.publishData(encode(text), { reliable: true });
  await eventually("its length", () => received[0]?.text.length, 60_000);
  expect(received[0]?.text).toBe(text);
});

test("someone who may not publish data is not heard", async () => {
  const room = roomName();
  const [anna, ben, cara] = await Promise.all([
    join(room, ANNA, { canPublishData: false }),
    join(room, BEN),
    join(room, CARA),
  ]);
  await eventually("everyone in", () => cara.others().length, 2);
  const received = messagesOf(cara);
  await anna.local.publishData(encode("not allowed"), { reliable: true }).catch(() => undefined);
  await ben.local.publishData(encode("allowed"), { reliable: true });
  await eventually("what Cara got", () => received.map(({ text }) => text), ["allowed"]);
});

test("remote procedure calls return answers and errors, both ways", async () => {
  const [anna, ben] = await three();
  ben.local.registerRpcMethod("double", (call) =>
    Promise.resolve(`${call.callerIdentity}: ${Number(call.payload) * 2}`),
  );
  anna.local.registerRpcMethod("fail", () => Promise.reject(new RpcError(4711, "not today")));
  const answer = await anna.local.performRpc({ destinationIdentity: "Ben", method: "double", payload: "21" });
  expect(answer).toBe("Anna: 42");
  await expect(
    ben.local.performRpc({ destinationIdentity: "Anna", method: "fail", payload: "" }),
  ).rejects.toMatchObject({
    code: 4711,
    message: "not today",
  });
});

test("a long text stream and a file of bytes arrive whole", async () => {
  const [anna, ben, cara] = await three();
  const texts: string[] = [];
  for (const client of [ben, cara]) {
    client.room.registerTextStreamHandler("notes", async (reader, sender) => {
      texts.push(`${sender.identity}: ${await reader.readAll()}`);
    });
  }
  let bytes = 0;
  ben.room.registerByteStreamHandler("file", async (reader) => {
    for (const chunk of await reader.readAll()) bytes += chunk.length;
  });
  const text = Array.from({ length: 20_000 }, (_, line) => `line ${line}`).join("\n");
  await anna.local.sendText(text, { topic: "notes" });
  await eventually("the texts", () => texts.length, 2);
  expect(texts).toEqual([`Anna: ${text}`, `Anna: ${text}`]);
  const writer = await anna.local.streamBytes({
    topic: "file",
    name: "noise.bin",
    destinationIdentities: ["Ben"],
  });
  for (let chunk = 0; chunk < 10; chunk += 1) await writer.write(new Uint8Array(20_000).fill(chunk));
  await writer.close();
  await eventually("the bytes", () => bytes, 200_000);
});
