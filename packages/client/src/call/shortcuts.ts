import { commandOf, type OwnKeys } from "./own-keys";

/** What a key press asks for. */
export type Command =
  | "toggle-microphone"
  | "toggle-camera"
  | "toggle-share"
  | "toggle-chat"
  | "toggle-people"
  | "next-layout"
  | "next-page"
  | "previous-page"
  | "full-screen"
  | "focus-controls"
  | "next-region"
  | "previous-region"
  | "read-status"
  | "show-shortcuts";

export interface KeyPress {
  /** `KeyboardEvent.key`: the character, not the key's position. */
  key: string;
  ctrl: boolean;
  meta: boolean;
  shift: boolean;
  alt: boolean;
  /** Whether the focus is in a text field, where single characters are text. */
  inText: boolean;
}

export interface Shortcut {
  keys: readonly string[];
  command: Command | "hold-to-talk" | "pin" | "close";
  /** Single keys can be switched off and never act inside text fields. */
  single: boolean;
}

/** The list that the "?" dialog shows, in its order, with the single keys as we ship them. */
export const SHORTCUTS: readonly Shortcut[] = [
  { keys: ["Ctrl+D"], command: "toggle-microphone", single: false },
  { keys: ["Ctrl+E"], command: "toggle-camera", single: false },
  { keys: ["F2"], command: "focus-controls", single: false },
  { keys: ["F6"], command: "next-region", single: false },
  { keys: ["Shift+F6"], command: "previous-region", single: false },
  { keys: ["Ctrl+/"], command: "show-shortcuts", single: false },
  { keys: ["Esc"], command: "close", single: false },
  { keys: ["M"], command: "toggle-microphone", single: true },
  { keys: ["V"], command: "toggle-camera", single: true },
  { keys: ["Space"], command: "hold-to-talk", single: true },
  { keys: ["S"], command: "toggle-share", single: true },
  { keys: ["C"], command: "toggle-chat", single: true },
  { keys: ["P"], command: "toggle-people", single: true },
  { keys: ["L"], command: "next-layout", single: true },
  { keys: ["PageDown"], command: "next-page", single: true },
  { keys: ["PageUp"], command: "previous-page", single: true },
  { keys: ["Enter"], command: "pin", single: true },
  { keys: ["F"], command: "full-screen", single: true },
  { keys: ["N"], command: "read-status", single: true },
  { keys: ["?"], command: "show-shortcuts", single: true },
];

const WITH_CONTROL: Readonly<Record<string, Command>> = {
  d: "toggle-microphone",
  e: "toggle-camera",
  "/": "show-shortcuts",
};

/** The command of a key press, or `null` where the press belongs to the page or the browser. */
export function commandFor(
  press: KeyPress,
  options: { singleKeys: boolean; ownKeys: OwnKeys },
): Command | null {
  const key = press.key.toLowerCase();
  // Ctrl and Alt together are AltGr on many keyboards: characters, not commands.
  if (press.alt) return null;
  if (press.ctrl || press.meta) {
    // On a German keyboard the slash itself needs Shift.
    return press.shift && key !== "/" ? null : (WITH_CONTROL[key] ?? null);
  }
  if (key === "f2") return "focus-controls";
  if (key === "f6") return press.shift ? "previous-region" : "next-region";
  if (!options.singleKeys || press.inText) return null;
  // Shift with a letter or a named key is kept free; other characters are often typed with Shift.
  if (press.shift && (key.length > 1 || key !== key.toUpperCase())) return null;
  return commandOf(key, options.ownKeys);
}
