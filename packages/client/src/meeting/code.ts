/** Exactly as the server gives them: `xxx-xxxx-xxx`; imported codes may hold digits. */
const SHAPE = /^([a-z0-9]{3})-?([a-z0-9]{4})-?([a-z0-9]{3})$/;

/** Longest text worth looking at: a link with a host key and other parameters. */
const INPUT_CHARS_MAX = 2_000;

/**
 * Reads a meeting code from what people type or paste: the code with or without hyphens, in capitals, with
 * spaces or dots; a full link; an old `meeting.html?id=` link. `null` if there is none.
 */
export function parseMeetingCode(input: string): string | null {
  return parseMeetingReference(input)?.code ?? null;
}

export interface MeetingReference {
  readonly code: string;
  /** From `#host=…` of a pasted host link. */
  readonly hostKey: string | null;
}

export function parseMeetingReference(input: string): MeetingReference | null {
  const text = input.trim().slice(0, INPUT_CHARS_MAX);
  const fromLink = parseLink(text);
  if (fromLink) return fromLink;
  const code = repairCode(text);
  return code === null ? null : { code, hostKey: null };
}

function repairCode(text: string): string | null {
  const compact = text.toLowerCase().replace(/[\s.\u2010-\u2015_-]/g, "");
  const match = SHAPE.exec(compact);
  return match ? `${match[1]}-${match[2]}-${match[3]}` : null;
}

function parseLink(text: string): MeetingReference | null {
  // A link pasted without its scheme ("meet.example.org/meeting/…") still has a slash.
  if (!text.includes("/") || /\s/.test(text)) return null;
  const address = /^[a-z][a-z0-9+.-]*:/i.test(text) ? text : `https://${text.replace(/^\/+/, "")}`;
  if (!URL.canParse(address)) return null;
  const url = new URL(address);
  const parts = url.pathname.split("/").filter((part) => part !== "");
  const last = parts.at(-1) ?? "";
  const candidate = last === "meeting.html" ? (url.searchParams.get("id") ?? "") : safeDecode(last);
  const code = repairCode(candidate);
  return code === null ? null : { code, hostKey: hostKeyFromFragment(url.hash) };
}

function safeDecode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return "";
  }
}

/** The host key in `#host=…`, if it has the form the server gives (base64url of 32 bytes). */
export function hostKeyFromFragment(fragment: string): string | null {
  const key = new URLSearchParams(fragment.replace(/^#/, "")).get("host");
  return key !== null && /^[A-Za-z0-9_-]{16,128}$/.test(key) ? key : null;
}
