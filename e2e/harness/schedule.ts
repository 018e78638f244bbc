interface Errand {
  readonly at: number;
  readonly run: () => void;
}

/** Does things at times of `performance.now()`: in the order of these, and of equal ones in that of asking. */
export class Schedule {
  private readonly errands: Errand[] = [];
  private timer: NodeJS.Timeout | undefined;

  at(time: number, run: () => void): void {
    let place = this.errands.length;
    while (place > 0 && (this.errands[place - 1]?.at ?? 0) > time) place -= 1;
    this.errands.splice(place, 0, { at: time, run });
    if (place === 0) this.runDue();
  }

  clear(): void {
    clearTimeout(this.timer);
    this.errands.length = 0;
  }

  private runDue(): void {
    clearTimeout(this.timer);
    const now = performance.now();
    const later = this.errands.findIndex(({ at }) => at > now);
    const due = this.errands.splice(0, later < 0 ? this.errands.length : later);
    for (const { run } of due) run();
    const [next] = this.errands;
    if (next !== undefined) this.timer = setTimeout(() => this.runDue(), next.at - now);
  }
}
