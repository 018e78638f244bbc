/** What a network does to datagrams in one direction. All that is not named it does not do. */
export interface Conditions {
  /** Swallows everything. */
  readonly dead?: boolean;
  /** Share of datagrams lost, each by itself. */
  readonly loss?: number;
  /** Losses in a row: share of datagrams lost in all, and how many in a row on average (Gilbert's model). */
  readonly burst?: { readonly loss: number; readonly length: number };
  readonly delayMs?: number;
  /** Most that is added to the delay; it keeps the order. */
  readonly jitterMs?: number;
  /** Share of datagrams that others overtake, and how much later those come. */
  readonly reorder?: { readonly share: number; readonly byMs: number };
  /** Share of datagrams that come twice. */
  readonly duplicate?: number;
  /** A bottleneck with a queue before it; what does not fit in there is lost. */
  readonly rate?: { readonly bitsPerSecond: number; readonly queueMs: number };
}

/** What became of the datagrams so far. */
export interface Counters {
  offered: number;
  /** Lost by chance, alone or in a row, or because the link was dead. */
  lost: number;
  /** Found no place in the queue of the bottleneck. */
  overflowed: number;
  /** Left late, so that others overtook them. */
  reordered: number;
  duplicated: number;
  /** Left the link, duplicates included. */
  delivered: number;
  deliveredBytes: number;
}

/**
 * One direction of a network path. Decides for each datagram when it arrives, by chance from a seeded source; knows
 * no socket and no clock.
 */
export class Link {
  readonly counters: Counters = {
    offered: 0,
    lost: 0,
    overflowed: 0,
    reordered: 0,
    duplicated: 0,
    delivered: 0,
    deliveredBytes: 0,
  };
  private conditions: Conditions = {};
  private inBurst = false;
  /** When the bottleneck has sent all that waits before it. */
  private freeAt = 0;
  private lastArrival = 0;

  constructor(private readonly random: () => number) {}

  /** From the next datagram on. */
  become(conditions: Conditions): void {
    this.conditions = conditions;
    this.inBurst = false;
    this.freeAt = 0;
  }

  /** Times at which copies of a datagram that is sent at `now` arrive, in milliseconds; none when it is lost. */
  arrivals(now: number, bytes: number): number[] {
    const { counters, conditions } = this;
    counters.offered += 1;
    if (conditions.dead || this.happens(conditions.loss) || this.lostInBurst()) {
      counters.lost += 1;
      return [];
    }
    const sent = this.passBottleneck(now, bytes);
    if (sent === undefined) {
      counters.overflowed += 1;
      return [];
    }
    const times = [this.travel(sent)];
    if (this.happens(conditions.duplicate)) {
      counters.duplicated += 1;
      times.push(this.travel(sent));
    }
    counters.delivered += times.length;
    counters.deliveredBytes += times.length * bytes;
    return times;
  }

  private happens(share = 0): boolean {
    return share > 0 && this.random() < share;
  }

  private lostInBurst(): boolean {
    const { burst } = this.conditions;
    if (burst === undefined) return false;
    // Both rates of the chain follow from its mean stay in the bad state and its share of time there.
    const leaves = 1 / burst.length;
    const enters = (leaves * burst.loss) / (1 - burst.loss);
    this.inBurst = this.inBurst ? this.random() >= leaves : this.random() < enters;
    return this.inBurst;
  }

  private passBottleneck(now: number, bytes: number): number | undefined {
    const { rate } = this.conditions;
    if (rate === undefined) return now;
    const begins = Math.max(now, this.freeAt);
    if (begins - now > rate.queueMs) return undefined;
    this.freeAt = begins + (bytes * 8_000) / rate.bitsPerSecond;
    return this.freeAt;
  }

  private travel(sent: number): number {
    const { delayMs = 0, jitterMs = 0, reorder } = this.conditions;
    const arrival = sent + delayMs + (jitterMs > 0 ? jitterMs * this.random() : 0);
    if (reorder !== undefined && this.happens(reorder.share)) {
      this.counters.reordered += 1;
      return arrival + reorder.byMs;
    }
    this.lastArrival = Math.max(this.lastArrival, arrival);
    return this.lastArrival;
  }
}
