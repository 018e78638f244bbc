import type { Room } from "livekit-client";
import { expect, test, vi } from "vitest";
import { LineMonitor, SLOW_AFTER_MS } from "./line-monitor";
import { SHORT_AFTER_MS } from "./strain";

function roomWith(stats: ReadonlyMap<string, unknown>): Room {
  const engine = { pcManager: { publisher: { getStats: async () => stats } } };
  return { engine, localParticipant: { getTrackPublications: () => [] } } as unknown as Room;
}

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
  const monitor = new LineMonitor(
    // The server sees a good line while nothing gets lost.
    { voices: () => [], ownQuality: () => "good", picturesPaused: () => false },
    { now: () => Date.now(), random: () => 0 },
  );
  monitor.bind(roomWith(stats));
  await vi.advanceTimersByTimeAsync(SLOW_AFTER_MS);
  expect(monitor.weakness.value).toBe(null);
  await vi.advanceTimersByTimeAsync(2_000);
  expect(monitor.weakness.value).toBe("upload");
  monitor.unbind();
  expect(monitor.weakness.value).toBe(null);
  monitor.dispose();
  vi.useRealTimers();
});

test("a line that stays weak for another cause is told without a pause", async () => {
  vi.useFakeTimers();
  let picturesPaused = true;
  const monitor = new LineMonitor(
    { voices: () => [], ownQuality: () => "weak", picturesPaused: () => picturesPaused },
    { now: () => Date.now(), random: () => 0 },
  );
  monitor.bind(roomWith(new Map([["in", { type: "inbound-rtp" }]])));
  await vi.advanceTimersByTimeAsync(SLOW_AFTER_MS + 2_000);
  expect(monitor.weakness.value).toBe("download");
  picturesPaused = false;
  await vi.advanceTimersByTimeAsync(2_000);
  expect(monitor.weakness.value).toBe("unknown");
  monitor.dispose();
});

test("a processor that is short is told after a while, and a new line does not forget it", async () => {
  vi.useFakeTimers();
  const stats = new Map([["out", { type: "outbound-rtp", qualityLimitationReason: "cpu" }]]);
  const monitor = new LineMonitor(
    { voices: () => [], ownQuality: () => "good", picturesPaused: () => false },
    { now: () => Date.now(), random: () => 0 },
  );
  monitor.bind(roomWith(stats));
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
