import { expect, test } from "vitest";
import { answerKey, readOwnKeys, shownKey } from "./own-keys";
import { commandFor } from "./shortcuts";

const press = (key: string, change = {}) => ({
  key,
  ctrl: false,
  meta: false,
  shift: false,
  alt: false,
  ...change,
});
const OWN = { "toggle-camera": "k" };

test.each([
  ["a free character", press("x"), { kind: "changed", ownKeys: { ...OWN, "toggle-microphone": "x" } }],
  ["a large letter", press("X"), { kind: "changed", ownKeys: { ...OWN, "toggle-microphone": "x" } }],
  ["an umlaut", press("ö"), { kind: "changed", ownKeys: { ...OWN, "toggle-microphone": "ö" } }],
  ["our own key", press("m"), { kind: "changed", ownKeys: OWN }],
  ["a key that was freed", press("v"), { kind: "changed", ownKeys: { ...OWN, "toggle-microphone": "v" } }],
  ["a key of ours that is taken", press("c"), { kind: "taken", by: "toggle-chat" }],
  ["an own key that is taken", press("k"), { kind: "taken", by: "toggle-camera" }],
  ["Esc", press("Escape"), { kind: "cancelled" }],
  ["Tab", press("Tab"), { kind: "cancelled" }],
  ["Space", press(" "), { kind: "refused" }],
  ["Enter", press("Enter"), { kind: "refused" }],
  ["Ctrl+X", press("x", { ctrl: true }), { kind: "refused" }],
  ["Shift on its way to a character", press("Shift", { shift: true }), { kind: "waiting" }],
])("a new key for the microphone: %s", (_, key, answer) => {
  expect(answerKey(key, "toggle-microphone", OWN)).toEqual(answer);
});

test("a changed key acts, the one before it no more", () => {
  const options = { singleKeys: true, ownKeys: { "toggle-microphone": "x", "toggle-chat": "!" } };
  const command = (key: string, change = {}) => commandFor({ ...press(key, change), inText: false }, options);
  expect(command("x")).toBe("toggle-microphone");
  expect(command("m")).toBeNull();
  expect(command("X", { shift: true })).toBeNull();
  expect(command("!", { shift: true })).toBe("toggle-chat");
  expect(commandFor({ ...press("x"), inText: false }, { ...options, singleKeys: false })).toBeNull();
});

test.each([
  ["nothing", undefined, {}],
  ["what was chosen", { "toggle-camera": "k" }, { "toggle-camera": "k" }],
  ["two that changed places", { "toggle-camera": "m", "toggle-microphone": "v" }, undefined],
  ["a clash", { "toggle-camera": "m" }, {}],
  ["what no key could be", { "toggle-camera": " ", "toggle-chat": "ab", "toggle-people": 7, pin: "x" }, {}],
])("keys are read back: %s", (_, stored, expected) => {
  expect(readOwnKeys(stored)).toEqual(expected ?? stored);
});

test("keys are shown as they are printed on them", () => {
  expect(["m", "ß", "?", "pagedown"].map(shownKey)).toEqual(["M", "ß", "?", "PageDown"]);
});
