import type { Room } from "livekit-client";
import { expect, test, vi } from "vitest";
import {
  LineMonitor,
  NO_SILENCE,
  nextSilence,
  SILENT_AFTER_MS,
  type SilenceLog,
  SLOW_AFTER_MS,
  silentOnes,
} from "./line-monitor";
import { sampleOf } from "./line-stats";
import { SHORT_AFTER_MS } from "./strain";

const VOICES = [
  { id: "anna", track: "a" },
  { id: "ben", track: "b" },
];

/** Looks every two seconds with these energies; the last entry of each list stays. */
function listen(energies: Record<string, readonly number[]>, seconds: number, voices = VOICES) {
  let log: SilenceLog = NO_SILENCE;
  for (let at = 0; at <= seconds; at += 2) {
    const entries = Object.entries(energies).map(([track, values]) => ({
      type: "inbound-rtp",
      kind: "audio",
      trackIdentifier: track,
      totalAudioEnergy: values[Math.min(at / 2, values.length - 1)],
    }));
    const report = new Map(entries.map((entry) => [entry.trackIdentifier, entry]));
    log = nextSilence(log, voices, sampleOf([report], at * 1000));
  }
  return [...silentOnes(log, seconds * 1000)];
}

test("an open microphone without a trace of sound is found after ten seconds", () => {
  const rising = Array.from({ length: 20 }, (_, index) => index / 10);
  expect(listen({ a: rising, b: [0.3] }, 10)).toEqual([]);
  expect(listen({ a: rising, b: [0.3] }, 12)).toEqual(["ben"]);
});

test("any sound, or a closed microphone, ends it", () => {
  expect(listen({ a: [0, 0, 0, 0, 0.1], b: [0, 0, 0, 0, 0, 0, 0.2] }, 16)).toEqual([]);
  expect(listen({ a: [0], b: [0] }, 30, [])).toEqual([]);
});

test("a track that was never seen is not called silent", () => {
  expect(listen({}, SILENT_AFTER_MS / 500)).toEqual([]);
});

test("a slow upload is told after a while, and forgotten with the line", async () => {
  vi.useFakeTimers();
  const stats = new Map([["out", { type: "outbound-rtp", qualityLimitationReason: "bandwidth" }]]);
  const room = { engine: { pcManager: { publisher: { getStats: async () => stats } } } };
  const monitor = new LineMonitor(
    { voices: () => [], ownQuality: () => "weak" },
    { now: () => Date.now(), random: () => 0 },
  );
  monitor.bind(room as unknown as Room);
  await vi.advanceTimersByTimeAsync(SLOW_AFTER_MS);
  expect(monitor.uploadSlow.value).toBe(false);
  await vi.advanceTimersByTimeAsync(2_000);
  expect(monitor.uploadSlow.value).toBe(true);
  monitor.unbind();
  expect(monitor.uploadSlow.value).toBe(false);
  monitor.dispose();
  vi.useRealTimers();
});

test("a processor that is short is told after a while, and a new line does not forget it", async () => {
  vi.useFakeTimers();
  const stats = new Map([["out", { type: "outbound-rtp", qualityLimitationReason: "cpu" }]]);
  const room = { engine: { pcManager: { publisher: { getStats: async () => stats } } } };
  const monitor = new LineMonitor(
    { voices: () => [], ownQuality: () => "good" },
    { now: () => Date.now(), random: () => 0 },
  );
  monitor.bind(room as unknown as Room);
  await vi.advanceTimersByTimeAsync(SHORT_AFTER_MS);
  expect(monitor.processorShort.value).toBe(false);
  await vi.advanceTimersByTimeAsync(2_000);
  expect(monitor.processorShort.value).toBe(true);
  expect(monitor.uploadSlow.value).toBe(false);
  monitor.unbind();
  expect(monitor.processorShort.value).toBe(true);
  monitor.dispose();
  vi.useRealTimers();
});
