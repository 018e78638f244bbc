import { expect } from "@playwright/test";

/** What a duration may be, in seconds. */
interface Limits {
  /** On a machine that does nothing else: told. */
  readonly budget: number;
  /** On one with three browsers and more on it: judged. Whoever waits longer gives up. */
  readonly most: number;
}

/** Tells how long something took since `began` (`performance.now()`) beside its budget, and judges it. */
export function judgeDuration(what: string, began: number, { budget, most }: Limits): void {
  const seconds = (performance.now() - began) / 1000;
  console.log(`${what} after ${seconds.toFixed(1)} s (budget ${budget} s)`);
  expect(seconds, `${what}: seconds`).toBeLessThan(most);
}
