import { expect, test } from "vitest";
import { NO_SILENCE, nextSilence, SILENT_AFTER_MS, type SilenceLog, silentOnes } from "./line-monitor";
import { sampleOf } from "./line-stats";

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
