import type { LineSample, SoundCounters } from "./line-stats";

/** An open microphone that nobody hears for this long is told to both sides, in milliseconds. */
export const SILENT_AFTER_MS = 10_000;
/** Energy of digital silence; any real room makes more. */
const NO_ENERGY = 1e-10;
/** From this share of our packets on nobody understands a word, even with redundancy. */
const LOST_SHARE = 0.8;

/** Whose microphone is open, with the id of the track that carries it. */
export interface Voice {
  readonly id: string;
  readonly track: string;
  /** The state of the microphone itself; only one's own is known. */
  readonly device: "live" | "muted" | "ended" | null;
}

/**
 * Why somebody with an open microphone is not heard. Who only says nothing is not meant: an open microphone gives the
 * noise of a room, and with DTX (RFC 7587) it still sends some packets a second.
 */
export type NoSound =
  /** The device is gone, or the browser has closed it. */
  | "device-ended"
  /** The system or a switch on the device holds it back. */
  | "device-muted"
  /** It gives nothing but zeros. */
  | "silent"
  /** Nothing leaves our browser. */
  | "nothing-sent"
  /** What leaves does not reach the server. */
  | "upload-lost"
  /** Nothing comes to us from somebody else. */
  | "nothing-arrives";

/** Who has not been heard, since when, and why at the last look. */
export interface SilenceLog {
  readonly sounds: ReadonlyMap<string, SoundCounters>;
  readonly since: ReadonlyMap<string, { readonly at: number; readonly cause: NoSound }>;
}

export const NO_SILENCE: SilenceLog = { sounds: new Map(), since: new Map() };

/** The log after another look; people whose microphone is closed are not in it. */
export function nextSilence(log: SilenceLog, voices: readonly Voice[], sample: LineSample): SilenceLog {
  const since = new Map<string, { at: number; cause: NoSound }>();
  for (const voice of voices) {
    const cause = causeOf(voice, log.sounds.get(voice.track), sample.sounds.get(voice.track));
    if (cause !== null) since.set(voice.id, { at: log.since.get(voice.id)?.at ?? sample.at, cause });
  }
  return { sounds: sample.sounds, since };
}

function causeOf(
  { device }: Voice,
  before: SoundCounters | undefined,
  now: SoundCounters | undefined,
): NoSound | null {
  if (device === "ended") return "device-ended";
  if (device === "muted") return "device-muted";
  // Without two looks at the same track nothing can be said.
  if (before === undefined || now === undefined) return null;
  const own = device !== null;
  const stands = before.packets !== null && now.packets === before.packets;
  if (!own && stands) return "nothing-arrives";
  if (now.energy !== null && now.energy - (before.energy ?? 0) <= NO_ENERGY) return "silent";
  if (own && stands) return "nothing-sent";
  return own && now.lostShare !== null && now.lostShare >= LOST_SHARE ? "upload-lost" : null;
}

/** Who has been unheard long enough to be told, with the cause. */
export function unheardAt(log: SilenceLog, now: number): ReadonlyMap<string, NoSound> {
  const long = [...log.since].filter(([, { at }]) => now - at >= SILENT_AFTER_MS);
  return new Map(long.map(([id, { cause }]) => [id, cause]));
}
