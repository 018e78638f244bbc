import type { StoredMessage } from "./chat-log";

const MESSAGE_BYTES_MAX = 64_000;

function text(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}

function record(value: unknown): Readonly<Record<string, unknown>> | null {
  return typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>) : null;
}

/** Reads one message of the chat API; `null` if it is not one. */
export function readMessage(value: unknown): StoredMessage | null {
  const message = record(value);
  const from = record(message?.from);
  const id = text(message?.id);
  const body = text(message?.text);
  const senderId = text(from?.participant_id);
  const seq = message?.seq;
  if (id === null || body === null || senderId === null || typeof seq !== "number") return null;
  const sentAt = Date.parse(text(message?.sent_at) ?? "");
  return {
    id,
    seq,
    senderId,
    senderName: text(from?.display_name) ?? senderId,
    text: body,
    sentAt: Number.isNaN(sentAt) ? 0 : sentAt,
    clientId: text(message?.client_id),
    to: text(message?.to),
    replyTo: text(message?.reply_to),
  };
}

/** Reads a data packet of the topic `chat`; `null` if it says no message. */
export function parseMessage(payload: Uint8Array): StoredMessage | null {
  if (payload.byteLength > MESSAGE_BYTES_MAX) return null;
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(payload));
    return readMessage(value) ?? readMessage(record(value)?.message);
  } catch {
    return null;
  }
}
