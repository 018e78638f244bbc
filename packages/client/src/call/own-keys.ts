import type { Command, KeyPress } from "./shortcuts";

/** The single keys as we ship them, in small letters: each of them may be changed. */
export const DEFAULT_KEYS = {
  "toggle-microphone": "m",
  "toggle-camera": "v",
  "toggle-share": "s",
  "toggle-chat": "c",
  "toggle-people": "p",
  "next-layout": "l",
  "full-screen": "f",
  "read-status": "n",
  "show-shortcuts": "?",
  "next-page": "pagedown",
  "previous-page": "pageup",
} as const satisfies Partial<Record<Command, string>>;

export type KeyedCommand = keyof typeof DEFAULT_KEYS;

/** The keys that somebody chose in place of ours. */
export type OwnKeys = Readonly<Partial<Record<KeyedCommand, string>>>;

const COMMANDS = Object.keys(DEFAULT_KEYS) as KeyedCommand[];

export function isKeyed(command: string): command is KeyedCommand {
  return Object.hasOwn(DEFAULT_KEYS, command);
}

export function keyOf(command: KeyedCommand, own: OwnKeys): string {
  return own[command] ?? DEFAULT_KEYS[command];
}

/** The command that a key, in small letters, belongs to. */
export function commandOf(key: string, own: OwnKeys): KeyedCommand | null {
  return COMMANDS.find((command) => keyOf(command, own) === key) ?? null;
}

/** How a list or a tooltip names the key. */
export function shownKey(key: string): string {
  if (key === "pagedown") return "PageDown";
  if (key === "pageup") return "PageUp";
  const large = key.toUpperCase();
  return large.length === key.length ? large : key;
}

/** One visible character without a case of its own; spaces and named keys are none. */
function isCharacter(key: string): boolean {
  return /^[\p{L}\p{N}\p{P}\p{S}]$/u.test(key) && key === key.toLowerCase();
}

export type KeyAnswer =
  | { kind: "waiting" | "cancelled" | "refused" }
  | { kind: "taken"; by: KeyedCommand }
  | { kind: "changed"; ownKeys: OwnKeys };

const MODIFIERS = ["shift", "control", "alt", "altgraph", "meta", "capslock", "dead"];

/** What a press means while a new key for `command` is awaited. */
export function answerKey(press: Omit<KeyPress, "inText">, command: KeyedCommand, own: OwnKeys): KeyAnswer {
  const key = press.key.toLowerCase();
  if (key === "escape" || key === "tab") return { kind: "cancelled" };
  if (MODIFIERS.includes(key)) return { kind: "waiting" };
  // With these held a character is a command of the browser, or one that a call would not take either.
  if (press.ctrl || press.meta || press.alt) return { kind: "refused" };
  if (!isCharacter(key) && key !== DEFAULT_KEYS[command]) return { kind: "refused" };
  const by = commandOf(key, own);
  if (by !== null && by !== command) return { kind: "taken", by };
  const { [command]: _, ...others } = own;
  return { kind: "changed", ownKeys: key === DEFAULT_KEYS[command] ? others : { ...others, [command]: key } };
}

/** Takes only what could have been chosen; keys that clash are all forgotten. */
export function readOwnKeys(value: unknown): OwnKeys {
  const stored = (typeof value === "object" && value !== null ? value : {}) as Record<string, unknown>;
  const own: Partial<Record<KeyedCommand, string>> = {};
  for (const command of COMMANDS) {
    const key = stored[command];
    if (typeof key === "string" && isCharacter(key)) own[command] = key;
  }
  const keys = new Set(COMMANDS.map((command) => keyOf(command, own)));
  return keys.size === COMMANDS.length ? own : {};
}
