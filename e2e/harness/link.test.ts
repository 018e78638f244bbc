import { describe, expect, test } from "vitest";

import { type Conditions, Link } from "./link.ts";
import { seededRandom } from "./random.ts";

const COUNT = 20_000;
const BYTES = 1_000;

/** Sends datagrams of 1,000 bytes every 5 ms, which is 1.6 Mbit/s; gives for each the times it arrives at. */
function run(conditions: Conditions, seed = 7): { link: Link; arrivals: number[][] } {
  const link = new Link(seededRandom(seed));
  link.become(conditions);
  const arrivals = Array.from({ length: COUNT }, (_, index) => link.arrivals(index * 5, BYTES));
  return { link, arrivals };
}

/** Lengths of the losses in a row. */
function rowsOfLosses(arrivals: number[][]): number[] {
  const rows: number[] = [];
  let row = 0;
  for (const times of arrivals) {
    if (times.length === 0) row += 1;
    else if (row > 0) {
      rows.push(row);
      row = 0;
    }
  }
  return rows;
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** How long each datagram that arrived was on its way. */
const delays = (arrivals: number[][]) =>
  arrivals.flatMap((times, index) => times.map((time) => time - index * 5));

const ordered = (arrivals: number[][]) => {
  const times = arrivals.flat();
  return times.every((time, index) => index === 0 || time >= (times[index - 1] ?? 0));
};

describe("a link", () => {
  test("does nothing by itself", () => {
    const { link, arrivals } = run({});
    expect(delays(arrivals).every((delay) => delay === 0)).toBe(true);
    expect(link.counters).toMatchObject({ offered: COUNT, delivered: COUNT, deliveredBytes: COUNT * BYTES });
  });

  test("does the same for the same seed, and something else for another", () => {
    const conditions = { loss: 0.1, jitterMs: 20, duplicate: 0.01, reorder: { share: 0.02, byMs: 30 } };
    expect(run(conditions).arrivals).toEqual(run(conditions).arrivals);
    expect(run(conditions).arrivals).not.toEqual(run(conditions, 8).arrivals);
  });

  test.each([0.02, 0.1, 0.3])("loses %d at random, one by one", (loss) => {
    const { link, arrivals } = run({ loss });
    expect(link.counters.lost / COUNT).toBeCloseTo(loss, 2);
    // Independent losses follow one another as often as chance has it.
    expect(mean(rowsOfLosses(arrivals))).toBeCloseTo(1 / (1 - loss), 1);
  });

  test.each([
    { loss: 0.05, length: 4 },
    { loss: 0.1, length: 10 },
  ])("loses $loss in rows of $length", (burst) => {
    const { link, arrivals } = run({ burst });
    expect(Math.abs(link.counters.lost / COUNT / burst.loss - 1)).toBeLessThan(0.15);
    expect(Math.abs(mean(rowsOfLosses(arrivals)) / burst.length - 1)).toBeLessThan(0.15);
  });

  test("delays, and jitters without changing the order", () => {
    const { arrivals } = run({ delayMs: 100, jitterMs: 40 });
    const took = delays(arrivals);
    expect(Math.min(...took)).toBeGreaterThanOrEqual(100);
    expect(Math.max(...took)).toBeLessThanOrEqual(140);
    expect(Math.max(...took) - Math.min(...took)).toBeGreaterThan(30);
    expect(ordered(arrivals)).toBe(true);
  });

  test("lets some be overtaken", () => {
    const { link, arrivals } = run({ delayMs: 10, reorder: { share: 0.05, byMs: 25 } });
    expect(link.counters.reordered / COUNT).toBeCloseTo(0.05, 2);
    expect(delays(arrivals).filter((delay) => delay === 35)).toHaveLength(link.counters.reordered);
    expect(ordered(arrivals)).toBe(false);
  });

  test("sends some twice", () => {
    const { link, arrivals } = run({ duplicate: 0.03 });
    expect(arrivals.filter((times) => times.length === 2)).toHaveLength(link.counters.duplicated);
    expect(link.counters.duplicated / COUNT).toBeCloseTo(0.03, 2);
  });

  test("lets as much through as its rate, keeps the rest waiting, and loses what waits too long", () => {
    const { link, arrivals } = run({ rate: { bitsPerSecond: 800_000, queueMs: 200 } });
    const seconds = (COUNT * 5) / 1000;
    expect((link.counters.deliveredBytes * 8) / seconds / 800_000).toBeCloseTo(1, 1);
    expect(link.counters.overflowed + link.counters.delivered).toBe(COUNT);
    // The queue, and the datagram's own time on the wire.
    expect(Math.max(...delays(arrivals))).toBeLessThanOrEqual(210);
  });

  test("delays hardly anything below its rate", () => {
    const { link, arrivals } = run({ rate: { bitsPerSecond: 16_000_000, queueMs: 200 } });
    expect(link.counters.overflowed).toBe(0);
    expect(Math.max(...delays(arrivals))).toBeLessThan(1);
  });

  test("changes while it runs, and forgets what was queued", () => {
    const link = new Link(seededRandom(1));
    link.become({ rate: { bitsPerSecond: 8_000, queueMs: 10_000 } });
    expect(link.arrivals(0, 1_000)).toEqual([1_000]);
    link.become({ dead: true });
    expect(link.arrivals(1, 1_000)).toEqual([]);
    link.become({});
    // Nothing overtakes what is on its way.
    expect(link.arrivals(2, 1_000)).toEqual([1_000]);
    expect(link.arrivals(1_500, 1_000)).toEqual([1_500]);
  });
});
