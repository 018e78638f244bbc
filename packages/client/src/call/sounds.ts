import type { Surroundings } from "./backend";

/** What a call may be heard to do. */
export type CallSound = "joined" | "left" | "message" | "muted-by-host" | "reconnected";

/** One note of a sound; frequency in hertz, times in milliseconds from the start. */
export interface Note {
  readonly frequency: number;
  readonly at: number;
  readonly length: number;
}

/** All sounds are made of a few soft notes and are over within a quarter of a second. */
export const SOUNDS: Readonly<Record<CallSound, readonly Note[]>> = {
  joined: [
    { frequency: 523.25, at: 0, length: 110 },
    { frequency: 659.25, at: 100, length: 140 },
  ],
  left: [
    { frequency: 659.25, at: 0, length: 110 },
    { frequency: 523.25, at: 100, length: 140 },
  ],
  message: [{ frequency: 880, at: 0, length: 120 }],
  "muted-by-host": [
    { frequency: 392, at: 0, length: 100 },
    { frequency: 392, at: 130, length: 100 },
  ],
  reconnected: [
    { frequency: 523.25, at: 0, length: 80 },
    { frequency: 783.99, at: 80, length: 160 },
  ],
};

export const SOUND_GROUPS = ["people", "messages", "self"] as const;
/** What can be switched off as one: people coming and going, messages, what happens to oneself. */
export type SoundGroup = (typeof SOUND_GROUPS)[number];

const GROUP_OF: Readonly<Record<CallSound, SoundGroup>> = {
  joined: "people",
  left: "people",
  message: "messages",
  "muted-by-host": "self",
  reconnected: "self",
};

export interface SoundChoice {
  readonly soundsOff: readonly SoundGroup[];
  /** 0 to 1. */
  readonly soundVolume: number;
}

/** No sound within this time of another, in milliseconds. */
export const SOUND_GAP_MS = 500;
/** Coming and going is silent from this many people on. */
export const SOUNDLESS_FROM_PEOPLE = 8;

/** Decides which sounds are heard. */
export class SoundDirector {
  private lastAt = Number.NEGATIVE_INFINITY;
  private holds = 0;

  constructor(
    private readonly surroundings: Surroundings,
    private readonly choice: () => SoundChoice,
    private readonly play: (notes: readonly Note[], volume: number) => void,
  ) {}

  /** Something happened; `people` is how many are in the call. */
  cue(sound: CallSound, people: number): void {
    const { soundsOff, soundVolume } = this.choice();
    const crowd = GROUP_OF[sound] === "people" && people >= SOUNDLESS_FROM_PEOPLE;
    const now = this.surroundings.now();
    const tooSoon = now - this.lastAt < SOUND_GAP_MS;
    if (this.holds > 0 || crowd || tooSoon || soundVolume <= 0 || soundsOff.includes(GROUP_OF[sound])) return;
    this.lastAt = now;
    this.play(SOUNDS[sound], soundVolume);
  }

  /** No sounds while somebody tests the microphone; the returned function ends that. */
  hold(): () => void {
    this.holds += 1;
    let held = true;
    return () => {
      if (held) this.holds -= 1;
      held = false;
    };
  }
}
