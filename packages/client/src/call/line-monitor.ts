import { ConnectionState, type Room } from "livekit-client";
import { Cell } from "../state/behavior";
import type { Surroundings } from "./backend";
import { detailsBetween, type LineSample, NO_DETAILS } from "./line-stats";
import type { Quality } from "./participants";
import { NO_SILENCE, type NoSound, nextSilence, type SilenceLog, unheardAt, type Voice } from "./silence";
import { NO_STRAIN, nextStrain } from "./strain";
import { sampleRoom } from "./transports";
import { type LineSigns, type Weakness, weaknessOf } from "./weakness";

const LOOK_EVERY_MS = 2_000;
/** The line has to be weak for this long before anybody is told, in milliseconds. */
export const SLOW_AFTER_MS = 6_000;

export interface MonitorPorts {
  /** Open microphones, one's own included. */
  voices(room: Room): readonly Voice[];
  /** How the server judges our line. */
  ownQuality(): Quality;
  /** Whether the server holds back a picture that we want to see. */
  picturesPaused(): boolean;
}

/** Looks at the line every two seconds: its figures, who is not heard, what is weak, a processor that is too slow. */
export class LineMonitor {
  readonly details = new Cell(NO_DETAILS);
  /** People whose microphone is open but who are not heard at all, with the cause. */
  readonly unheard = new Cell<ReadonlyMap<string, NoSound>>(new Map());
  /** What has made our line weak for a while. */
  readonly weakness = new Cell<Weakness | null>(null);
  /** The processor has been short of time for our picture for a while. */
  readonly processorShort = new Cell(false);
  private room: Room | null = null;
  private before: LineSample | null = null;
  private silence = NO_SILENCE;
  /** Of any weakness: one often follows another, and the sentence must not go and come with each. */
  private weakSince: number | null = null;
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
    this.weakSince = null;
    this.weakness.set(null);
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
    const details = detailsBetween(this.before, sample);
    this.details.set(details);
    this.before = sample;
    // While the SDK repairs the line, silence means nothing.
    if (room.state === ConnectionState.Connected)
      this.heed(nextSilence(this.silence, this.ports.voices(room), sample));
    else this.heed(NO_SILENCE);
    this.judgeLine({
      quality: this.ports.ownQuality(),
      uploadLimited: sample.uploadLimited,
      pictureLowered: sample.pictureLowered,
      paused: this.ports.picturesPaused(),
      details,
    });
    this.strain = nextStrain(this.strain, sample.processorLimited, sample.at);
    this.processorShort.set(this.strain.short);
  }

  private heed(silence: SilenceLog): void {
    this.silence = silence;
    const unheard = unheardAt(silence, this.surroundings.now());
    const { value } = this.unheard;
    const same = unheard.size === value.size && [...unheard].every(([id, cause]) => value.get(id) === cause);
    if (!same) this.unheard.set(unheard);
  }

  private judgeLine(signs: LineSigns): void {
    const cause = weaknessOf(signs);
    const now = this.surroundings.now();
    this.weakSince = cause === null ? null : (this.weakSince ?? now);
    this.weakness.set(now - (this.weakSince ?? now) >= SLOW_AFTER_MS ? cause : null);
  }
}
