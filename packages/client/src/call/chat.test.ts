import { type Room, RoomEvent } from "livekit-client";
import { beforeEach, describe, expect, test, vi } from "vitest";
import type { CallBackend, SendOutcome } from "./backend";
import { Chat } from "./chat";
import { type Addressing, type StoredMessage, TO_EVERYBODY } from "./chat-log";

const SELF = { id: "guest-1", name: "Ben" };

/** A room that carries data packets, and a server that keeps messages. */
function setUp() {
  const server = { stored: [] as StoredMessage[], answers: [] as SendOutcome[], sends: 0 };
  const heard = vi.fn();
  const backend = {
    sendMessage: async (
      _token: string,
      clientId: string,
      text: string,
      addressing: Addressing,
    ): Promise<SendOutcome> => {
      server.sends += 1;
      const planned = server.answers.shift();
      if (planned !== undefined) return planned;
      return { kind: "stored", message: put(text, SELF.id, clientId, addressing) };
    },
    messagesAfter: async (_token: string, after: number) =>
      server.stored.filter((message) => message.seq > after),
  } as unknown as CallBackend;
  const put = (
    text: string,
    senderId: string,
    clientId: string | null = null,
    addressing = TO_EVERYBODY,
  ): StoredMessage => {
    const known = server.stored.find((message) => message.clientId !== null && message.clientId === clientId);
    if (known !== undefined) return known;
    const seq = server.stored.length + 1;
    const message = {
      id: `m${seq}`,
      seq,
      senderId,
      senderName: senderId,
      text,
      sentAt: seq,
      clientId,
      ...addressing,
    };
    server.stored.push(message);
    return message;
  };
  const chat = new Chat(
    SELF,
    backend,
    { token: () => "token", onHeard: heard },
    { now: () => 5_000, random: () => 0 },
  );
  return { chat, server, heard, put };
}

class FakeRoom {
  state = "connected";
  readonly remoteParticipants = new Map();
  private listener: ((...values: unknown[]) => void) | null = null;
  on(event: string, listener: (...values: unknown[]) => void) {
    if (event === RoomEvent.DataReceived) this.listener = listener;
    return this;
  }
  registerTextStreamHandler = vi.fn();
  deliver(message: StoredMessage, from?: object): void {
    const wire = {
      id: message.id,
      seq: message.seq,
      from: { participant_id: message.senderId, display_name: message.senderName },
      text: message.text,
      client_id: message.clientId,
      to: message.to,
      reply_to: message.replyTo,
      sent_at: "2026-01-01T00:00:00Z",
    };
    this.listener?.(new TextEncoder().encode(JSON.stringify(wire)), from, undefined, "chat");
  }
}

const asRoom = (room: FakeRoom) => room as unknown as Room;
const texts = (chat: Chat) => chat.log.value.items.map((item) => `${item.text}:${item.delivery}`);

beforeEach(() => void vi.useRealTimers());

describe("sending", () => {
  test("a message to one person keeps its addressee while it waits and when it is stored", async () => {
    const { chat, server } = setUp();
    chat.send("psst", { to: "guest-2", replyTo: "m7" });
    expect(chat.log.value.items[0]).toMatchObject({ to: "guest-2", replyTo: "m7", delivery: "queued" });
    chat.bind(asRoom(new FakeRoom()));
    await vi.waitFor(() => expect(texts(chat)).toEqual(["psst:sent"]));
    expect(server.stored[0]).toMatchObject({ to: "guest-2", replyTo: "m7" });
    expect(chat.log.value.items[0]).toMatchObject({ to: "guest-2", replyTo: "m7" });
  });

  test("waits while the line is cut, and goes out once it is back, in order and once", async () => {
    const { chat, server } = setUp();
    chat.send("one");
    chat.send("two");
    expect(texts(chat)).toEqual(["one:queued", "two:queued"]);
    chat.bind(asRoom(new FakeRoom()));
    await vi.waitFor(() => expect(texts(chat)).toEqual(["one:sent", "two:sent"]));
    expect(server.stored.map((message) => message.text)).toEqual(["one", "two"]);
  });

  test("waits on a line that only fell silent, whatever the room believes", async () => {
    const { chat, server } = setUp();
    chat.bind(asRoom(new FakeRoom()));
    chat.lineChanged(true);
    chat.send("hello");
    expect(texts(chat)).toEqual(["hello:queued"]);
    expect(server.sends).toBe(0);
    chat.lineChanged(false);
    await vi.waitFor(() => expect(texts(chat)).toEqual(["hello:sent"]));
  });

  test("is tried again after no answer, and a lost answer makes no second message", async () => {
    vi.useFakeTimers();
    const { chat, put, server } = setUp();
    chat.bind(asRoom(new FakeRoom()));
    await vi.advanceTimersByTimeAsync(0);
    server.answers.push({ kind: "unreachable" });
    chat.send("hello");
    const clientId = chat.log.value.items[0]?.key ?? "";
    // The server had stored it; only its answer was lost.
    put("hello", SELF.id, clientId);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(texts(chat)).toEqual(["hello:sent"]);
    expect(server.sends).toBe(2);
    expect(server.stored).toHaveLength(1);
  });

  test("that is refused says so, and can be retried", async () => {
    const { chat, server } = setUp();
    chat.bind(asRoom(new FakeRoom()));
    server.answers.push({ kind: "refused", code: "rate_limited" });
    chat.send("hello");
    await vi.waitFor(() => expect(texts(chat)).toEqual(["hello:failed"]));
    chat.retry(chat.log.value.items[0]?.key ?? "");
    await vi.waitFor(() => expect(texts(chat)).toEqual(["hello:sent"]));
  });

  test("an empty message is none", () => {
    const { chat } = setUp();
    chat.send(" \n ");
    expect(chat.log.value.items).toEqual([]);
  });
});

describe("hearing", () => {
  test("history is shown without counting or announcing it", async () => {
    const { chat, heard, put } = setUp();
    put("before", "guest-2");
    chat.bind(asRoom(new FakeRoom()));
    await vi.waitFor(() => expect(texts(chat)).toEqual(["before:sent"]));
    expect(chat.log.value.unread).toBe(0);
    expect(heard).not.toHaveBeenCalled();
  });

  test("a message from the server arrives at once", async () => {
    const { chat, heard, put } = setUp();
    const room = new FakeRoom();
    chat.bind(asRoom(room));
    await vi.waitFor(() => expect(chat.log.value.lastSeq).toBe(0));
    room.deliver(put("hi", "guest-2"));
    expect(texts(chat)).toEqual(["hi:sent"]);
    expect(heard).toHaveBeenLastCalledWith("guest-2", "hi", false, false);
    room.deliver(put("psst", "guest-2", null, { to: SELF.id, replyTo: "m1" }));
    expect(heard).toHaveBeenLastCalledWith("guest-2", "psst", false, true);
    expect(chat.log.value.items[1]).toMatchObject({ to: SELF.id, replyTo: "m1" });
  });

  test("one that pretends to come from the server is ignored", () => {
    const { chat, put } = setUp();
    const room = new FakeRoom();
    chat.bind(asRoom(room));
    room.deliver({ ...put("forged", "guest-3"), seq: 99 }, { identity: "guest-2" });
    expect(texts(chat)).toEqual([]);
  });

  test("what was said during an outage is fetched afterwards", async () => {
    const { chat, put } = setUp();
    const room = new FakeRoom();
    chat.bind(asRoom(room));
    await new Promise((resolve) => setTimeout(resolve));
    put("missed", "guest-2");
    chat.bind(asRoom(room));
    await vi.waitFor(() => expect(texts(chat)).toEqual(["missed:sent"]));
    expect(chat.log.value.unread).toBe(1);
  });

  test("a gap in the numbers is closed", async () => {
    const { chat, put } = setUp();
    const room = new FakeRoom();
    chat.bind(asRoom(room));
    await new Promise((resolve) => setTimeout(resolve));
    put("one", "guest-2");
    room.deliver(put("two", "guest-2"));
    await vi.waitFor(() => expect(texts(chat)).toEqual(["one:sent", "two:sent"]));
  });

  test("a new conference in the same meeting begins its numbers anew", async () => {
    const { chat, put, server } = setUp();
    const room = new FakeRoom();
    put("old one", "guest-2");
    put("old two", "guest-2");
    chat.bind(asRoom(room));
    await vi.waitFor(() => expect(texts(chat)).toHaveLength(2));
    server.stored.length = 0;
    put("new one", "guest-2");
    const second = { ...put("new two", "guest-2"), id: "n2" };
    server.stored[0] = { ...(server.stored[0] as StoredMessage), id: "n1" };
    server.stored[1] = second;
    room.deliver(second);
    await vi.waitFor(() =>
      expect(texts(chat)).toEqual(["old one:sent", "old two:sent", "new one:sent", "new two:sent"]),
    );
  });
});
