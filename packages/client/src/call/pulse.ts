import type { Surroundings } from "./backend";
import type { LineSample } from "./line-stats";

/** Of a look at a line. */
type Arrivals = Pick<LineSample, "arrivals" | "countsChecks">;

/** What the pulse needs to know of a line. */
export interface PulseLine {
  /** What has arrived until now; `null` while there is nothing to look at. */
  arrivals(): Promise<Arrivals | null>;
  /** Others send sound or pictures, so that packets should arrive all the time. */
  expectsMedia(): boolean;
  /** The browser itself says that nothing gets through. */
  broken(): boolean;
  /** Asks the server for a sign of life, and waits a moment for it. */
  reachable(): Promise<boolean>;
}

const LOOK_EVERY_MS = 1_000;
/** Sound comes fifty times a second, and at least twice a second while nobody speaks. */
const SILENT_WITH_MEDIA_MS = 900;
/** Without media only connectivity checks arrive, about every three seconds. */
const SILENT_WITHOUT_MS = 7_000;
/** A server that has just answered is not asked again for this long. */
const TRUSTED_FOR_MS = 3_000;
/** Checks of a way that works are answered every 2.5 s: after so long without anything the way is dead. */
const DEAD_AFTER_MS = 4_000;
/** A new way takes a second or two; the next one is not looked for before this long. */
const MEND_EVERY_MS = 10_000;

/**
 * Notices a line that was cut without a word: no closed socket, no error, just nothing any more. The websocket's own
 * timeout would take a quarter of a minute. When nothing has arrived for a while, the server is asked for a sign of
 * life; so people who all fall silent at once do not look like an outage.
 *
 * Where the server answers twice and only media is cut (a firewall that has had enough of UDP, say), another way is looked
 * for at once: the browser tells after five to ten seconds that its way is dead, and gives it up after twenty. It is waited
 * for only where it does not count its connectivity checks: silence alone proves nothing there.
 */
export class Pulse {
  private last: number | null = null;
  private lastAt: number;
  private cut = false;
  private looking = false;
  private trustedUntil = 0;
  /** The server has answered since anything arrived. */
  private answered = false;
  private mendAt = 0;
  private readonly timer: ReturnType<typeof setInterval>;

  constructor(
    private readonly line: PulseLine,
    private readonly surroundings: Surroundings,
    private readonly tell: { stopped(since: number): void; mediaCut(): void; beatsAgain(): void },
  ) {
    this.lastAt = surroundings.now();
    this.timer = setInterval(() => void this.look(), LOOK_EVERY_MS);
  }

  stop(): void {
    clearInterval(this.timer);
  }

  private async look(): Promise<void> {
    if (this.looking) return;
    this.looking = true;
    try {
      const arrivals = await this.line.arrivals();
      if (arrivals !== null) await this.judge(arrivals);
    } finally {
      this.looking = false;
    }
  }

  private async judge({ arrivals, countsChecks }: Arrivals): Promise<void> {
    // The browser forgets failed paths and what they counted: only a rise is a sign of life.
    const rises = this.last === null || arrivals > this.last;
    this.last = arrivals;
    if (rises) {
      this.lastAt = this.surroundings.now();
      if (this.cut) this.tell.beatsAgain();
      this.cut = this.answered = false;
      return;
    }
    if (this.line.broken()) {
      this.declareCut();
      await this.mend();
    } else await this.doubt(countsChecks);
  }

  private declareCut(): void {
    if (!this.cut) this.tell.stopped(this.lastAt);
    this.cut = true;
  }

  /** Where the server still answers, media wants another way. */
  private async mend(): Promise<void> {
    if (this.surroundings.now() < this.mendAt || !(await this.line.reachable())) return;
    this.seekAnotherWay();
  }

  private seekAnotherWay(): void {
    this.mendAt = this.surroundings.now() + MEND_EVERY_MS;
    this.tell.mediaCut();
  }

  /** Nothing arrives, and the browser says nothing of it yet. */
  private async doubt(countsChecks: boolean): Promise<void> {
    const silentFor = this.surroundings.now() - this.lastAt;
    const patience = this.line.expectsMedia() ? SILENT_WITH_MEDIA_MS : SILENT_WITHOUT_MS;
    if (silentFor < patience || this.surroundings.now() < this.trustedUntil) return;
    if (!(await this.line.reachable())) return this.declareCut();
    const dead = countsChecks && this.answered && silentFor >= DEAD_AFTER_MS;
    if (dead && this.surroundings.now() >= this.mendAt) {
      this.declareCut();
      this.seekAnotherWay();
    }
    this.answered = true;
    this.trustedUntil = this.surroundings.now() + TRUSTED_FOR_MS;
  }
}
