import { expect, test } from "vitest";
import { FREE_AFTER_MS, NO_STRAIN, nextStrain, SHORT_AFTER_MS } from "./strain";

/** Looks every two seconds: `[limited, seconds]` one after the other. */
function watch(...spans: readonly (readonly [boolean, number])[]): boolean {
  let strain = NO_STRAIN;
  let at = 1_000_000;
  for (const [limited, seconds] of spans) {
    for (let passed = 0; passed < seconds; passed += 2) {
      strain = nextStrain(strain, limited, at);
      at += 2_000;
    }
  }
  return strain.short;
}

const short = SHORT_AFTER_MS / 1_000 + 2;
const calm = FREE_AFTER_MS / 1_000 + 2;

test.each([
  ["a free processor", [[false, 60]], false],
  ["a blip", [[true, 4]], false],
  [
    "blips with calm between them",
    [
      [true, 6],
      [false, 2],
      [true, 6],
      [false, 2],
      [true, 6],
    ],
    false,
  ],
  ["just not long enough", [[true, short - 2]], false],
  ["a lasting shortage", [[true, short]], true],
  [
    "a short calm after it",
    [
      [true, short],
      [false, calm - 2],
    ],
    true,
  ],
  [
    "calm that one look interrupts",
    [
      [true, short],
      [false, 40],
      [true, 2],
      [false, 40],
    ],
    true,
  ],
  [
    "a long calm",
    [
      [true, short],
      [false, calm],
    ],
    false,
  ],
  [
    "a second shortage",
    [
      [true, short],
      [false, calm],
      [true, short],
    ],
    true,
  ],
] as const)("%s", (_, spans, expected) => {
  expect(watch(...spans)).toBe(expected);
});
