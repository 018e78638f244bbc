import { describe, expect, test } from "vitest";
import {
  type ChatEvent,
  type ChatLog,
  EMPTY_CHAT,
  groupChat,
  nextChat,
  type StoredMessage,
  TO_EVERYBODY,
} from "./chat-log";
import { parseMessage } from "./chat-wire";

const OWN = "guest-1";

function message(seq: number, text: string, change: Partial<StoredMessage> = {}): StoredMessage {
  return {
    id: `m${seq}`,
    seq,
    senderId: "guest-2",
    senderName: "Anna",
    text,
    sentAt: seq * 1_000,
    clientId: null,
    ...TO_EVERYBODY,
    ...change,
  };
}

const drafted = (clientId: string, text: string, online = true): ChatEvent => ({
  type: "drafted",
  clientId,
  text,
  senderId: OWN,
  senderName: "Ben",
  ...TO_EVERYBODY,
  at: 5_000,
  online,
});
const stored = (messages: StoredMessage[], panelOpen = false, history = false): ChatEvent => ({
  type: "stored",
  messages,
  ownId: OWN,
  panelOpen,
  history,
});

function after(...events: ChatEvent[]): ChatLog {
  return events.reduce(nextChat, EMPTY_CHAT);
}

const texts = (log: ChatLog) => log.items.map((item) => `${item.text}:${item.delivery}`).join(" ");

describe("sending", () => {
  test("a draft shows at once, its echo confirms it in place", () => {
    const sent = stored([message(1, "hi", { senderId: OWN, clientId: "c1" })]);
    expect(texts(after(drafted("c1", "hi")))).toBe("hi:sending");
    expect(texts(after(drafted("c1", "hi"), sent))).toBe("hi:sent");
    expect(after(drafted("c1", "hi"), sent).items[0]?.key).toBe("c1");
  });

  test("echo and answer together make one line", () => {
    const sent = stored([message(1, "hi", { senderId: OWN, clientId: "c1" })]);
    expect(after(drafted("c1", "hi"), sent, sent).items).toHaveLength(1);
  });

  test("offline it waits, a failed one says so", () => {
    expect(texts(after(drafted("c1", "hi", false)))).toBe("hi:queued");
    expect(texts(after(drafted("c1", "hi"), { type: "failed", clientId: "c1" }))).toBe("hi:failed");
  });

  test("what is not sent yet stays below what is", () => {
    expect(texts(after(drafted("c1", "mine", false), stored([message(1, "theirs")])))).toBe(
      "theirs:sent mine:queued",
    );
  });
});

describe("receiving", () => {
  test("counts what was not seen, and where it began", () => {
    const log = after(stored([message(1, "a")], true), stored([message(2, "b")]), stored([message(3, "c")]));
    expect(log).toMatchObject({ unread: 2, firstUnread: "m2", lastSeq: 3 });
    expect(nextChat(log, { type: "opened" })).toMatchObject({ unread: 0, firstUnread: "m2" });
    expect(nextChat(log, { type: "divider-seen" }).firstUnread).toBeNull();
  });

  test("history and one's own messages are not unread", () => {
    expect(after(stored([message(1, "a")], false, true)).unread).toBe(0);
    expect(after(stored([message(1, "a", { senderId: OWN })])).unread).toBe(0);
  });

  test("a late one takes its place, a repeated one none", () => {
    const log = after(
      stored([message(1, "a")]),
      stored([message(3, "c")]),
      stored([message(2, "b")]),
      stored([message(3, "c")]),
    );
    expect(log.items.map((item) => item.text)).toEqual(["a", "b", "c"]);
  });

  test("messages of other clients stand where they arrived", () => {
    const heard: ChatEvent = {
      type: "heard",
      key: "x",
      senderId: "sdk",
      senderName: "SDK",
      text: "hello",
      at: 1_500,
      panelOpen: false,
    };
    const log = after(stored([message(1, "a")]), heard, stored([message(2, "b")]));
    expect(log.items.map((item) => item.text)).toEqual(["a", "hello", "b"]);
    expect(log.unread).toBe(3);
  });
});

test("groups end with the sender, with five minutes, with the unseen and with the day", () => {
  const day = 24 * 3_600_000;
  const log = after(
    stored([message(1, "a"), message(2, "b"), message(3, "c", { senderId: "guest-3", sentAt: 3_000 })], true),
    stored([message(4, "d", { senderId: "guest-3", sentAt: 4_000 })]),
    stored([message(5, "e", { senderId: "guest-3", sentAt: 4_000 + 6 * 60_000 })]),
    stored([message(6, "f", { senderId: "guest-3", sentAt: 2 * day })]),
  );
  const groups = groupChat(log);
  expect(groups.map((group) => group.items.map((item) => item.text).join(""))).toEqual([
    "ab",
    "c",
    "d",
    "e",
    "f",
  ]);
  expect(groups.map((group) => group.newUnread)).toEqual([false, false, true, false, false]);
  expect(groups.map((group) => group.newDay)).toEqual([false, false, false, false, true]);
});

test("lines to one person are no part of what the same sender says to all", () => {
  const log = after(
    stored([message(1, "a"), message(2, "b", { to: OWN }), message(3, "c", { to: OWN }), message(4, "d")]),
  );
  expect(groupChat(log).map(({ to, items }) => [to, items.map((item) => item.text).join("")])).toEqual([
    [null, "a"],
    [OWN, "bc"],
    [null, "d"],
  ]);
});

describe("a data packet of the topic chat", () => {
  const bytes = (value: unknown) =>
    new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value));
  const good = {
    id: "m1",
    seq: 4,
    from: { participant_id: "guest-2", display_name: "Anna" },
    text: "hi",
    client_id: null,
    sent_at: "2026-01-02T03:04:05.000Z",
  };

  test("is read", () => {
    expect(parseMessage(bytes(good))).toMatchObject({
      seq: 4,
      senderName: "Anna",
      text: "hi",
      sentAt: Date.UTC(2026, 0, 2, 3, 4, 5),
    });
  });

  test.each([
    "",
    "{",
    "null",
    "[]",
    { ...good, seq: "4" },
    { ...good, from: null },
    { ...good, text: 7 },
    `"${"x".repeat(70_000)}"`,
  ])("is ignored when it is no message: %j", (value) => {
    expect(parseMessage(bytes(value))).toBeNull();
  });
});
