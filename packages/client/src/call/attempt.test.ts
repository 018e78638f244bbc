import { ConnectionError } from "livekit-client";
import { afterEach, expect, test, vi } from "vitest";
import { isBusy } from "./attempt";

afterEach(() => void vi.unstubAllGlobals());

const refused = ConnectionError.websocket("refused");

test.each<[string, unknown, number | "nothing", boolean]>([
  ["is at its limit", refused, 503, true],
  ["would take us", refused, 200, false],
  ["does not know the token", refused, 401, false],
  ["is gone behind its proxy", refused, 502, false],
  ["does not answer", refused, "nothing", false],
])("a server that %s", async (_, error, status, busy) => {
  const asked = vi.fn(async (address: URL) => {
    if (status === "nothing") throw new TypeError(`no answer from ${address}`);
    return new Response(null, { status });
  });
  vi.stubGlobal("fetch", asked);
  expect(await isBusy(error, "wss://meet.example/livekit/", "a token")).toBe(busy);
  expect(`${asked.mock.calls[0]?.[0]}`).toBe(
    "https://meet.example/livekit/rtc/validate?access_token=a+token",
  );
});

test.each([ConnectionError.serverUnreachable("away"), ConnectionError.timeout("late"), new Error("else")])(
  "after another failure it is not asked: %s",
  async (error) => {
    const asked = vi.fn();
    vi.stubGlobal("fetch", asked);
    expect(await isBusy(error, "ws://meet.example", "a token")).toBe(false);
    expect(asked).not.toHaveBeenCalled();
  },
);
