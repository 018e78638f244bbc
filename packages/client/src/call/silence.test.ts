import { expect, test } from "vitest";
import { sampleOf } from "./line-stats";
import { NO_SILENCE, type NoSound, nextSilence, type SilenceLog, unheardAt, type Voice } from "./silence";

/** Counters of one track at each look, two seconds apart; the last of a list stays. */
interface Course {
  energy?: readonly number[];
  packets?: readonly number[];
  lost?: readonly number[];
}

const at = (values: readonly number[] | undefined, look: number): number | undefined =>
  values?.[Math.min(look, values.length - 1)];

function entriesOf(track: string, course: Course, own: boolean, look: number): Record<string, unknown>[] {
  const [energy, packets] = [at(course.energy, look), at(course.packets, look)];
  if (!own)
    return [
      {
        id: track,
        type: "inbound-rtp",
        kind: "audio",
        trackIdentifier: track,
        totalAudioEnergy: energy,
        packetsReceived: packets,
      },
    ];
  return [
    { id: "S", type: "media-source", kind: "audio", trackIdentifier: track, totalAudioEnergy: energy },
    { id: "O", type: "outbound-rtp", kind: "audio", mediaSourceId: "S", packetsSent: packets },
    {
      id: "R",
      type: "remote-inbound-rtp",
      kind: "audio",
      localId: "O",
      fractionLost: at(course.lost, look) ?? 0,
    },
  ];
}

/** What is told of one voice after that many seconds. */
function told(voice: Voice, course: Course, seconds: number): NoSound | null {
  let log: SilenceLog = NO_SILENCE;
  for (let look = 0; look <= seconds / 2; look += 1) {
    const entries = entriesOf(voice.track, course, voice.device !== null, look);
    const report = new Map(entries.map((entry) => [entry.id as string, entry]));
    log = nextSilence(log, [voice], sampleOf([report], look * 2_000));
  }
  return unheardAt(log, seconds * 1_000).get(voice.id) ?? null;
}

const rising = (step: number) => Array.from({ length: 40 }, (_, look) => look * step);
const ben: Voice = { id: "ben", track: "b", device: null };
const me: Voice = { id: "me", track: "m", device: "live" };

test.each<[string, Voice, Course, NoSound | null]>([
  ["somebody who speaks", ben, { energy: rising(0.1), packets: rising(100) }, null],
  ["somebody who says nothing, with DTX", ben, { energy: rising(1e-7), packets: rising(5) }, null],
  ["a microphone of zeros, with DTX", ben, { energy: [0.3], packets: rising(5) }, "silent"],
  ["nothing that arrives", ben, { energy: [0.3], packets: [700] }, "nothing-arrives"],
  ["nothing that has ever arrived", ben, { energy: [0], packets: [0] }, "nothing-arrives"],
  ["a browser that counts no packets", ben, { energy: rising(0.1) }, null],
  ["a browser that tells nothing of it", ben, {}, null],
  ["my own voice", me, { energy: rising(0.1), packets: rising(100) }, null],
  ["my own silence, with DTX", me, { energy: rising(1e-7), packets: rising(5) }, null],
  ["my own microphone of zeros", me, { energy: [0], packets: rising(5) }, "silent"],
  ["my sound that never leaves", me, { energy: rising(0.1), packets: [40] }, "nothing-sent"],
  ["my sound that gets lost", me, { energy: rising(0.1), packets: rising(100), lost: [0.9] }, "upload-lost"],
  ["my sound with much loss", me, { energy: rising(0.1), packets: rising(100), lost: [0.4] }, null],
  ["my microphone that is gone", { ...me, device: "ended" }, {}, "device-ended"],
  ["my microphone that its switch holds back", { ...me, device: "muted" }, {}, "device-muted"],
])("%s", (_, voice, course, cause) => {
  expect(told(voice, course, 14)).toBe(cause);
});

test("it takes ten seconds until it is told, and one sound to end it", () => {
  const course = { energy: [0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.4], packets: rising(5) };
  expect(told(ben, course, 10)).toBe(null);
  expect(told(ben, course, 12)).toBe("silent");
  expect(told(ben, course, 14)).toBe(null);
});

test("another cause does not start the time anew", () => {
  const course = { energy: [0.3], packets: [...rising(5).slice(0, 6), 25, 25, 25] };
  expect(told(ben, course, 10)).toBe(null);
  expect(told(ben, course, 12)).toBe("nothing-arrives");
});

test("a closed microphone is forgotten, and the time starts anew", () => {
  const sample = (at: number) =>
    sampleOf([new Map(entriesOf("b", { energy: [0], packets: [0] }, false, 0).map((e) => ["b", e]))], at);
  let log = nextSilence(NO_SILENCE, [ben], sample(0));
  for (const time of [2_000, 4_000, 12_000]) log = nextSilence(log, [ben], sample(time));
  expect(unheardAt(log, 12_000).size).toBe(1);
  log = nextSilence(log, [], sample(14_000));
  log = nextSilence(log, [ben], sample(16_000));
  expect(unheardAt(log, 16_000).size).toBe(0);
});
