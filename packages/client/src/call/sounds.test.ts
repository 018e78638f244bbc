import { describe, expect, test } from "vitest";
import { SOUND_GAP_MS, SOUNDS, type SoundChoice, SoundDirector } from "./sounds";

function setUp(choice: Partial<SoundChoice> = {}) {
  const clock = { now: 10_000 };
  const heard: number[][] = [];
  const director = new SoundDirector(
    { now: () => clock.now, random: () => 0 },
    () => ({ soundsOff: [], soundVolume: 1, ...choice }),
    (notes) => heard.push(notes.map((note) => note.frequency)),
  );
  return { clock, heard, director };
}

test("joining goes up, leaving goes down, and every sound is short", () => {
  const [first, second] = SOUNDS.joined;
  expect(second?.frequency).toBeGreaterThan(first?.frequency ?? 0);
  expect(SOUNDS.left.map((note) => note.frequency)).toEqual(
    SOUNDS.joined.map((note) => note.frequency).reverse(),
  );
  for (const notes of Object.values(SOUNDS)) {
    for (const note of notes) expect(note.at + note.length).toBeLessThanOrEqual(250);
  }
});

test("two sounds never follow each other within half a second", () => {
  const { clock, heard, director } = setUp();
  director.cue("joined", 3);
  clock.now += SOUND_GAP_MS - 1;
  director.cue("message", 3);
  expect(heard).toHaveLength(1);
  clock.now += 1;
  director.cue("message", 3);
  expect(heard).toHaveLength(2);
});

test("in a larger round people come and go without a sound; other sounds stay", () => {
  const { clock, heard, director } = setUp();
  director.cue("joined", 8);
  director.cue("left", 8);
  expect(heard).toEqual([]);
  director.cue("muted-by-host", 8);
  clock.now += 1_000;
  director.cue("left", 7);
  expect(heard).toHaveLength(2);
});

describe("what is switched off is not heard", () => {
  test.each([
    ["joined", "people"],
    ["message", "messages"],
    ["reconnected", "self"],
  ] as const)("%s belongs to %s", (sound, group) => {
    const { heard, director } = setUp({ soundsOff: [group] });
    director.cue(sound, 2);
    expect(heard).toEqual([]);
  });

  test("and a volume of nothing silences all", () => {
    const { heard, director } = setUp({ soundVolume: 0 });
    director.cue("message", 2);
    expect(heard).toEqual([]);
  });
});

test("nothing sounds into a test of the microphone", () => {
  const { heard, director } = setUp();
  const end = director.hold();
  director.cue("message", 2);
  expect(heard).toEqual([]);
  end();
  end();
  director.cue("message", 2);
  expect(heard).toHaveLength(1);
});
