import { afterEach, expect, test, vi } from "vitest";
import { openTestRoom } from "./test-room";

afterEach(() => void vi.unstubAllGlobals());

test.each([
  [201, "open"],
  [404, "absent"],
  [405, "absent"],
  [429, "busy"],
  [500, "faulty"],
  [502, "faulty"],
  [503, "busy"],
] as const)("an answer with status %i is told as %s", async (status, kind) => {
  vi.stubGlobal("fetch", async () => Response.json({ id: "1" }, { status }));
  expect((await openTestRoom(new AbortController().signal)).kind).toBe(kind);
});

test("no answer is told as a server that was not reached", async () => {
  vi.stubGlobal("fetch", () => Promise.reject(new TypeError("no network")));
  expect((await openTestRoom(new AbortController().signal)).kind).toBe("unreachable");
});
