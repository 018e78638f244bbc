import type { Room } from "livekit-client";
import { expect, test, vi } from "vitest";
import { LineMonitor, SLOW_AFTER_MS } from "./line-monitor";
import { SHORT_AFTER_MS } from "./strain";

test("a slow upload is told after a while, and forgotten with the line", async () => {
  vi.useFakeTimers();
  const stats = new Map<string, object>([
    ["camera", { id: "camera", type: "media-source", width: 1_280 }],
    [
      "out",
      {
        type: "outbound-rtp",
        mediaSourceId: "camera",
        frameWidth: 640,
        qualityLimitationReason: "bandwidth",
      },
    ],
  ]);
  const room = { engine: { pcManager: { publisher: { getStats: async () => stats } } } };
  const monitor = new LineMonitor(
    // The server sees a good line while nothing gets lost.
    { voices: () => [], ownQuality: () => "good", picturesPaused: () => false },
    { now: () => Date.now(), random: () => 0 },
  );
  monitor.bind(room as unknown as Room);
  await vi.advanceTimersByTimeAsync(SLOW_AFTER_MS);
  expect(monitor.weakness.value).toBe(null);
  await vi.advanceTimersByTimeAsync(2_000);
  expect(monitor.weakness.value).toBe("upload");
  monitor.unbind();
  expect(monitor.weakness.value).toBe(null);
  monitor.dispose();
  vi.useRealTimers();
});

test("a processor that is short is told after a while, and a new line does not forget it", async () => {
  vi.useFakeTimers();
  const stats = new Map([["out", { type: "outbound-rtp", qualityLimitationReason: "cpu" }]]);
  const room = { engine: { pcManager: { publisher: { getStats: async () => stats } } } };
  const monitor = new LineMonitor(
    { voices: () => [], ownQuality: () => "good", picturesPaused: () => false },
    { now: () => Date.now(), random: () => 0 },
  );
  monitor.bind(room as unknown as Room);
  await vi.advanceTimersByTimeAsync(SHORT_AFTER_MS);
  expect(monitor.processorShort.value).toBe(false);
  await vi.advanceTimersByTimeAsync(2_000);
  expect(monitor.processorShort.value).toBe(true);
  expect(monitor.weakness.value).toBe(null);
  monitor.unbind();
  expect(monitor.processorShort.value).toBe(true);
  monitor.dispose();
  vi.useRealTimers();
});
