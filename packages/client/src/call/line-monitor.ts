import type { Room } from "livekit-client";
import { Cell } from "../state/behavior";
import type { Surroundings } from "./backend";
import { detailsBetween, type LineSample, NO_DETAILS } from "./line-stats";
import type { Quality } from "./participants";
import { NO_STRAIN, nextStrain } from "./strain";
import { sampleRoom } from "./transports";

const LOOK_EVERY_MS = 2_000;
/** An open microphone without a trace of sound for this long is told to both sides. */
export const SILENT_AFTER_MS = 10_000;
/** Energy of digital silence; any real room makes more. */
const NO_ENERGY = 1e-10;
/** The upload has to be too slow for this long before anybody is told. */
export const SLOW_AFTER_MS = 6_000;

/** Whose microphone is open, with the id of the track that carries it. */
export interface Voice {
  readonly id: string;
  readonly track: string;
}

/** Who has been without a trace of sound, and since when. */
export interface SilenceLog {
  readonly energy: ReadonlyMap<string, number>;
  readonly since: ReadonlyMap<string, number>;
}

export const NO_SILENCE: SilenceLog = { energy: new Map(), since: new Map() };

/** The log after another look; people whose microphone is closed are not in it. */
export function nextSilence(log: SilenceLog, voices: readonly Voice[], sample: LineSample): SilenceLog {
  const since = new Map<string, number>();
  for (const { id, track } of voices) {
    const energy = sample.energy.get(track);
    const before = log.energy.get(track);
    // Without two looks at the same track nothing can be said.
    if (energy === undefined || before === undefined || energy - before > NO_ENERGY) continue;
    since.set(id, log.since.get(id) ?? sample.at);
  }
  return { energy: sample.energy, since };
}

export function silentOnes(log: SilenceLog, now: number): ReadonlySet<string> {
  return new Set([...log.since].filter(([, since]) => now - since >= SILENT_AFTER_MS).map(([id]) => id));
}

export interface MonitorPorts {
  /** Open microphones, one's own included. */
  voices(room: Room): readonly Voice[];
  /** How the server judges our line. */
  ownQuality(): Quality;
}

/** Looks at the line every two seconds: its figures, silent microphones, an upload or a processor that is too slow. */
export class LineMonitor {
  readonly details = new Cell(NO_DETAILS);
  /** People whose microphone is open but gives no sound at all. */
  readonly silent = new Cell<ReadonlySet<string>>(new Set());
  /** Our upload has been too slow for our picture for a while. */
  readonly uploadSlow = new Cell(false);
  /** The processor has been short of time for our picture for a while. */
  readonly processorShort = new Cell(false);
  private room: Room | null = null;
  private before: LineSample | null = null;
  private silence = NO_SILENCE;
  private slowSince: number | null = null;
  private strain = NO_STRAIN;
  private timer: ReturnType<typeof setInterval> | null = null;

  constructor(
    private readonly ports: MonitorPorts,
    private readonly surroundings: Surroundings,
  ) {}

  bind(room: Room): void {
    this.room = room;
    this.timer ??= setInterval(() => void this.look(), LOOK_EVERY_MS);
  }

  unbind(): void {
    this.room = null;
    this.before = null;
    this.details.set(NO_DETAILS);
    this.heed(NO_SILENCE);
    this.slowSince = null;
    this.uploadSlow.set(false);
    // The machine stays the same, but nobody looked at it meanwhile.
    this.strain = { ...this.strain, since: null };
  }

  dispose(): void {
    if (this.timer !== null) clearInterval(this.timer);
    this.room = null;
  }

  private async look(): Promise<void> {
    const { room } = this;
    if (room === null) return;
    const sample = await sampleRoom(room, this.surroundings.now());
    if (sample === null || this.room !== room) return;
    this.details.set(detailsBetween(this.before, sample));
    this.before = sample;
    this.heed(nextSilence(this.silence, this.ports.voices(room), sample));
    this.judgeUpload(sample);
    this.strain = nextStrain(this.strain, sample.processorLimited, sample.at);
    this.processorShort.set(this.strain.short);
  }

  private heed(silence: SilenceLog): void {
    this.silence = silence;
    const silent = silentOnes(silence, this.surroundings.now());
    const { value } = this.silent;
    const same = silent.size === value.size && [...silent].every((id) => value.has(id));
    if (!same) this.silent.set(silent);
  }

  private judgeUpload(sample: LineSample): void {
    const quality = this.ports.ownQuality();
    const slow = sample.uploadLimited && (quality === "weak" || quality === "lost");
    this.slowSince = slow ? (this.slowSince ?? sample.at) : null;
    this.uploadSlow.set(this.slowSince !== null && sample.at - this.slowSince >= SLOW_AFTER_MS);
  }
}
