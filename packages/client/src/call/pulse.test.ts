import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Pulse } from "./pulse";

/** A line whose parts the test moves; a sign of life takes no time. */
function setUp() {
  const line = { checks: true, flowing: true, media: true, broken: false, alive: true, asked: 0, count: 0 };
  const told: string[] = [];
  const pulse = new Pulse(
    {
      arrivals: async () => {
        if (line.flowing) line.count += 1;
        return { arrivals: line.count, countsChecks: line.checks };
      },
      expectsMedia: () => line.media,
      broken: () => line.broken,
      reachable: async () => {
        line.asked += 1;
        return line.alive;
      },
    },
    { now: () => Date.now(), random: () => 0 },
    {
      stopped: (since) => told.push(`stopped ${Date.now() - since} ms ago`),
      mediaCut: () => told.push("media is cut"),
      beatsAgain: () => told.push("beats again"),
    },
  );
  return { line, told, pulse };
}

beforeEach(() => void vi.useFakeTimers({ now: 1_000_000 }));
afterEach(() => void vi.useRealTimers());

test("a cut without a word is noticed within two seconds while media should flow", async () => {
  const { line, told } = setUp();
  await vi.advanceTimersByTimeAsync(5_000);
  expect(told).toEqual([]);
  line.flowing = line.alive = false;
  await vi.advanceTimersByTimeAsync(2_000);
  expect(told).toEqual(["stopped 1000 ms ago"]);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(told).toHaveLength(1);
  line.flowing = true;
  await vi.advanceTimersByTimeAsync(1_000);
  expect(told).toEqual(["stopped 1000 ms ago", "beats again"]);
});

test("a pause of a few seconds is no outage, and the server is not asked all the time", async () => {
  const { line, told } = setUp();
  await vi.advanceTimersByTimeAsync(2_000);
  for (let pause = 0; pause < 10; pause += 1) {
    line.flowing = false;
    await vi.advanceTimersByTimeAsync(3_000);
    line.flowing = true;
    await vi.advanceTimersByTimeAsync(1_000);
  }
  expect(told).toEqual([]);
  expect(line.asked).toBeLessThanOrEqual(10);
  expect(line.asked).toBeGreaterThan(0);
});

test("a way that dies while the server answers is left before the browser says so", async () => {
  const { line, told } = setUp();
  await vi.advanceTimersByTimeAsync(2_000);
  line.flowing = false;
  await vi.advanceTimersByTimeAsync(4_000);
  expect(told).toEqual(["stopped 4000 ms ago", "media is cut"]);
  await vi.advanceTimersByTimeAsync(9_000);
  expect(told).toHaveLength(2);
  await vi.advanceTimersByTimeAsync(3_000);
  expect(told.slice(2)).toEqual(["media is cut"]);
  line.flowing = true;
  await vi.advanceTimersByTimeAsync(20_000);
  expect(told.slice(3)).toEqual(["beats again"]);
});

test("where the browser does not count its checks, its own word is waited for", async () => {
  const { line, told } = setUp();
  line.checks = false;
  await vi.advanceTimersByTimeAsync(2_000);
  line.flowing = false;
  await vi.advanceTimersByTimeAsync(60_000);
  expect(told).toEqual([]);
  expect(line.asked).toBeLessThanOrEqual(21);
  line.broken = true;
  await vi.advanceTimersByTimeAsync(1_000);
  expect(told.slice(1)).toEqual(["media is cut"]);
});

test("alone in the meeting the line may be quiet between its checks", async () => {
  const { line, told } = setUp();
  line.media = false;
  await vi.advanceTimersByTimeAsync(2_000);
  line.flowing = line.alive = false;
  await vi.advanceTimersByTimeAsync(6_000);
  expect(told).toEqual([]);
  await vi.advanceTimersByTimeAsync(3_000);
  expect(told).toHaveLength(1);
});

test("what the browser calls broken is believed at once", async () => {
  const { line, told } = setUp();
  await vi.advanceTimersByTimeAsync(2_000);
  line.flowing = line.alive = false;
  line.broken = true;
  await vi.advanceTimersByTimeAsync(1_000);
  expect(told).toHaveLength(1);
});

test("where only media is cut another way is looked for, and after a while once more", async () => {
  const { line, told } = setUp();
  await vi.advanceTimersByTimeAsync(2_000);
  line.flowing = false;
  line.broken = true;
  await vi.advanceTimersByTimeAsync(9_000);
  expect(told).toEqual(["stopped 1000 ms ago", "media is cut"]);
  await vi.advanceTimersByTimeAsync(3_000);
  expect(told).toEqual(["stopped 1000 ms ago", "media is cut", "media is cut"]);
  line.flowing = true;
  await vi.advanceTimersByTimeAsync(20_000);
  expect(told.slice(3)).toEqual(["beats again"]);
});

test("while the server is away too, no other way is looked for; once it is back one is", async () => {
  const { line, told } = setUp();
  await vi.advanceTimersByTimeAsync(2_000);
  line.flowing = line.alive = false;
  line.broken = true;
  await vi.advanceTimersByTimeAsync(30_000);
  expect(told).toEqual(["stopped 1000 ms ago"]);
  line.alive = true;
  await vi.advanceTimersByTimeAsync(1_000);
  expect(told.slice(1)).toEqual(["media is cut"]);
});

test("a path that the browser forgets is no sign of life", async () => {
  const { line, told } = setUp();
  await vi.advanceTimersByTimeAsync(2_000);
  line.flowing = line.alive = false;
  await vi.advanceTimersByTimeAsync(2_000);
  line.count -= 1;
  await vi.advanceTimersByTimeAsync(10_000);
  expect(told).toHaveLength(1);
});
