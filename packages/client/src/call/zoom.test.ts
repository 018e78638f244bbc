import { describe, expect, test } from "vitest";
import {
  fitPercent,
  percentOf,
  scrollTo,
  wheelFactor,
  ZOOM_LEAST,
  ZOOM_MOST,
  zoomBy,
  zoomStep,
} from "./zoom";

const screen = { width: 1920, height: 1080 };
const place = { width: 960, height: 600 };

test("a screen that fits fills its place in one direction", () => {
  expect(fitPercent(screen, place)).toBe(50);
  expect(percentOf("fit", screen, place)).toBe(50);
  expect(percentOf(100, screen, place)).toBe(100);
  expect(fitPercent({ width: 0, height: 0 }, place)).toBe(100);
});

describe("steps", () => {
  test.each([
    [37, 1, 50],
    [50, 1, 75],
    [99.8, 1, 150],
    [400, 1, 400],
    [37, -1, 50],
    [110, -1, 100],
    [100, -1, 75],
  ] as const)("from %d by %d: %d", (from, by, to) => expect(zoomStep(from, by)).toBe(to));
});

test("wheel and fingers enlarge smoothly and stay between the ends", () => {
  expect(wheelFactor(-40)).toBeGreaterThan(1);
  expect(wheelFactor(40)).toBeLessThan(1);
  expect(wheelFactor(-40) * wheelFactor(40)).toBeCloseTo(1);
  expect(zoomBy(390, wheelFactor(-10_000))).toBe(ZOOM_MOST);
  expect(zoomBy(60, wheelFactor(10_000))).toBe(ZOOM_LEAST);
});

describe("what lies under the pointer stays there", () => {
  /** Which part of the picture is under the point, 0 to 1. */
  const under = (scroll: number, point: number, size: number) =>
    (scroll + point - Math.max(0, (960 - size) / 2)) / size;

  test.each([
    [0, 700, 960, 1920],
    [300, 200, 1920, 2880],
    [300, 200, 2880, 1920],
    [0, 480, 700, 1920],
  ])("scrolled to %d, pointing at %d, from %d to %d", (scroll, point, before, after) => {
    const next = scrollTo(scroll, point, 960, before, after);
    expect(under(next, point, after)).toBeCloseTo(under(scroll, point, before), 5);
  });
});
