import { expect, test } from "vitest";
import { commandFor, type KeyPress } from "./shortcuts";

const press = (key: string, change: Partial<KeyPress> = {}): KeyPress => ({
  key,
  ctrl: false,
  meta: false,
  shift: false,
  alt: false,
  inText: false,
  ...change,
});

test.each([
  ["M", press("m"), "toggle-microphone"],
  ["with caps lock", press("M"), "toggle-microphone"],
  ["M in a text field", press("m", { inText: true }), null],
  ["Ctrl+D in a text field", press("d", { ctrl: true, inText: true }), "toggle-microphone"],
  ["Command+E", press("e", { meta: true }), "toggle-camera"],
  ["AltGr+E, the euro sign", press("e", { ctrl: true, alt: true }), null],
  ["Ctrl+C stays the browser's", press("c", { ctrl: true }), null],
  ["? with Shift", press("?", { shift: true }), "show-shortcuts"],
  ["Ctrl+/ typed with Shift+7", press("/", { ctrl: true, shift: true }), "show-shortcuts"],
  ["F6", press("F6"), "next-region"],
  ["Shift+F6 in a text field", press("F6", { shift: true, inText: true }), "previous-region"],
  ["Shift+M is kept free", press("M", { shift: true }), null],
  ["PageDown", press("PageDown"), "next-page"],
  ["PageDown in a text field", press("PageDown", { inText: true }), null],
  ["a key without meaning", press("x"), null],
])("%s", (_, key, command) => {
  expect(commandFor(key, { singleKeys: true, ownKeys: {} })).toBe(command);
});

test("single keys can be switched off, the others stay", () => {
  expect(commandFor(press("m"), { singleKeys: false, ownKeys: {} })).toBeNull();
  expect(commandFor(press("?", { shift: true }), { singleKeys: false, ownKeys: {} })).toBeNull();
  expect(commandFor(press("d", { ctrl: true }), { singleKeys: false, ownKeys: {} })).toBe(
    "toggle-microphone",
  );
  expect(commandFor(press("F2"), { singleKeys: false, ownKeys: {} })).toBe("focus-controls");
});
