import { expect, test } from "vitest";
import { loneliness, nextAlone } from "./loneliness";

const MINUTE = 60_000;

test.each([
  [14.9, { kind: "fine" }],
  [15, { kind: "asked", secondsLeft: 120 }],
  [16.5, { kind: "asked", secondsLeft: 30 }],
  [17, { kind: "over" }],
])("alone for %d minutes", (minutes, expected) => {
  expect(loneliness(0, minutes * MINUTE)).toEqual(expected);
});

test("company starts the clock anew, and so does coming back to oneself", () => {
  const since = nextAlone(null, 1, 5);
  expect(since).toBe(5);
  expect(nextAlone(since, 1, 9)).toBe(5);
  expect(nextAlone(since, 2, 10)).toBeNull();
  expect(loneliness(null, 999 * MINUTE)).toEqual({ kind: "fine" });
});
