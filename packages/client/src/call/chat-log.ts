/** A message as the meeting's chat keeps it. */
export interface StoredMessage {
  id: string;
  /** Position in the meeting's chat, rising. */
  seq: number;
  senderId: string;
  senderName: string;
  text: string;
  /** Milliseconds since 1970. */
  sentAt: number;
  /** The sender's own key, by which an echo finds the message it confirms. */
  clientId: string | null;
  /** The one participant who reads it besides the sender; `null` for everybody. */
  to: string | null;
  /** Id of the message that it answers. */
  replyTo: string | null;
}

/** What a new message is besides its text. */
export type Addressing = Pick<StoredMessage, "to" | "replyTo">;

export const TO_EVERYBODY: Addressing = { to: null, replyTo: null };

export type Delivery = "sent" | "sending" | "queued" | "failed";

/** One line of the chat panel. */
export interface ChatItem extends Addressing {
  /** Stable for the whole life of the line, so that it keeps its place and focus. */
  key: string;
  /** `null` until stored, and for messages of clients that do not use this chat. */
  id: string | null;
  /** Position in the running conference; `null` for those without one, and for an earlier conference. */
  seq: number | null;
  senderId: string;
  senderName: string;
  text: string;
  sentAt: number;
  mine: boolean;
  delivery: Delivery;
}

export interface ChatLog {
  items: readonly ChatItem[];
  lastSeq: number;
  unread: number;
  /** Key of the first line that was not yet seen; where "New" stands. */
  firstUnread: string | null;
}

export type ChatEvent =
  | (Addressing & {
      type: "drafted";
      clientId: string;
      text: string;
      senderId: string;
      senderName: string;
      at: number;
      online: boolean;
    })
  | { type: "sending"; clientId: string }
  | { type: "queued"; clientId: string }
  | { type: "failed"; clientId: string }
  | {
      type: "stored";
      messages: readonly StoredMessage[];
      ownId: string;
      panelOpen: boolean;
      history?: boolean;
    }
  | {
      type: "heard";
      key: string;
      senderId: string;
      senderName: string;
      text: string;
      at: number;
      panelOpen: boolean;
    }
  /** Everybody had left and somebody came back: positions begin anew. */
  | { type: "conference-changed" }
  | { type: "opened" }
  | { type: "divider-seen" };

export const EMPTY_CHAT: ChatLog = { items: [], lastSeq: 0, unread: 0, firstUnread: null };

/** Older lines are forgotten here; the server keeps them. */
export const ITEMS_MAX = 2_000;
/** Longest message the server takes, in characters. */
export const TEXT_MAX = 4_000;

export function nextChat(log: ChatLog, event: ChatEvent): ChatLog {
  switch (event.type) {
    case "drafted":
      return append(log, {
        key: event.clientId,
        id: null,
        seq: null,
        senderId: event.senderId,
        senderName: event.senderName,
        text: event.text,
        sentAt: event.at,
        mine: true,
        to: event.to,
        replyTo: event.replyTo,
        delivery: event.online ? "sending" : "queued",
      });
    case "sending":
    case "queued":
    case "failed":
      return delivered(log, event.clientId, event.type);
    case "stored":
      return event.messages.reduce(
        (next, message) => stored(next, message, event.ownId, event.panelOpen || event.history === true),
        log,
      );
    case "heard":
      return counted(
        append(log, {
          key: event.key,
          id: null,
          seq: null,
          senderId: event.senderId,
          senderName: event.senderName,
          text: event.text.slice(0, TEXT_MAX),
          sentAt: event.at,
          mine: false,
          ...TO_EVERYBODY,
          delivery: "sent",
        }),
        event.key,
        event.panelOpen,
      );
    case "conference-changed":
      return { ...log, items: log.items.map((item) => ({ ...item, seq: null })), lastSeq: 0 };
    case "opened":
      return log.unread === 0 ? log : { ...log, unread: 0 };
    case "divider-seen":
      return log.firstUnread === null ? log : { ...log, firstUnread: null };
  }
}

function append(log: ChatLog, item: ChatItem): ChatLog {
  if (log.items.some((other) => other.key === item.key)) return log;
  return { ...log, items: [...log.items, item].slice(-ITEMS_MAX) };
}

function delivered(log: ChatLog, key: string, delivery: Delivery): ChatLog {
  const items = log.items.map((item) =>
    item.key === key && item.id === null ? { ...item, delivery } : item,
  );
  return { ...log, items };
}

function counted(log: ChatLog, key: string, seen: boolean): ChatLog {
  if (seen) return log;
  return { ...log, unread: log.unread + 1, firstUnread: log.firstUnread ?? key };
}

function stored(log: ChatLog, message: StoredMessage, ownId: string, seen: boolean): ChatLog {
  if (log.items.some((item) => item.id === message.id)) return log;
  const mine = message.senderId === ownId;
  const lastSeq = Math.max(log.lastSeq, message.seq);
  const own = mine && message.clientId !== null ? message.clientId : null;
  const key = own ?? message.id;
  const item: ChatItem = {
    key,
    id: message.id,
    seq: message.seq,
    senderId: message.senderId,
    senderName: message.senderName,
    text: message.text,
    sentAt: message.sentAt,
    mine,
    to: message.to,
    replyTo: message.replyTo,
    delivery: "sent",
  };
  const draft = own === null ? undefined : log.items.find((other) => other.key === own);
  const items = insert(
    log.items.filter((other) => other !== draft),
    item,
  );
  const next = { ...log, items: items.slice(-ITEMS_MAX), lastSeq };
  return mine ? next : counted(next, key, seen);
}

/** Behind everything stored before it; a late one goes to its place, a new one before the drafts. */
function insert(items: readonly ChatItem[], item: ChatItem): ChatItem[] {
  const seq = item.seq ?? Number.POSITIVE_INFINITY;
  let at = items.findIndex((other) => other.seq !== null && other.seq > seq);
  if (at < 0) {
    at = items.length;
    while (at > 0 && items[at - 1]?.delivery !== "sent") at -= 1;
  }
  return [...items.slice(0, at), item, ...items.slice(at)];
}

/** A run of lines by one sender to the same readers, shown under one name and time. */
export interface ChatGroup {
  key: string;
  senderId: string;
  senderName: string;
  mine: boolean;
  /** The one other person who reads these lines besides their sender. */
  to: string | null;
  at: number;
  items: readonly ChatItem[];
  /** Whether a day begins here, and whether the unseen lines do. */
  newDay: boolean;
  newUnread: boolean;
}

const GROUP_WITHIN_MS = 5 * 60_000;

export function groupChat(log: ChatLog): ChatGroup[] {
  const groups: ChatGroup[] = [];
  let previousAt: number | null = null;
  for (const item of log.items) {
    const newDay = previousAt !== null && !sameDay(previousAt, item.sentAt);
    const newUnread = item.key === log.firstUnread;
    const last = groups[groups.length - 1];
    const joins =
      last !== undefined &&
      last.senderId === item.senderId &&
      last.to === item.to &&
      item.sentAt - last.at < GROUP_WITHIN_MS &&
      !newDay &&
      !newUnread;
    if (joins) groups[groups.length - 1] = { ...last, items: [...last.items, item] };
    else {
      const { key, senderId, senderName, mine, to, sentAt } = item;
      groups.push({ key, senderId, senderName, mine, to, at: sentAt, items: [item], newDay, newUnread });
    }
    previousAt = item.sentAt;
  }
  return groups;
}

function sameDay(a: number, b: number): boolean {
  return new Date(a).toDateString() === new Date(b).toDateString();
}
