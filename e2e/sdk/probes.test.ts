import { expect, test } from "vitest";

import { i420, meanOfI420, whoseColour } from "../harness/colour.ts";
import { ANNA, BEN, EVERYBODY } from "../harness/people.ts";
import { sineGenerator, whoseTone } from "../harness/tone.ts";

// The instruments of the other tests: they must tell every person from every other one, and nothing from something.

test.each(EVERYBODY)("the colour of $name is told from the others", (person) => {
  expect(whoseColour(meanOfI420(i420(person, 64, 48), 64, 48))).toBe(person.name);
});

test.each(EVERYBODY)("the tone of $name is told from the others", (person) => {
  expect(whoseTone(floats(sineGenerator(person, 48_000)(9_600)), 48_000)).toBe(person.name);
});

test("silence, noise and a mixture are nobody", () => {
  expect(whoseTone(new Float32Array(9_600), 48_000)).toBe("silence");
  let state = 1;
  const noise = Float32Array.from({ length: 9_600 }, () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 1_073_741_823 - 1;
  });
  expect(whoseTone(noise, 48_000)).toBe("noise");
  const ben = floats(sineGenerator(BEN, 48_000)(9_600));
  const mixture = floats(sineGenerator(ANNA, 48_000)(9_600)).map(
    (sample, index) => sample + (ben[index] ?? 0),
  );
  expect(whoseTone(mixture, 48_000)).toMatch(/^a mixture of Anna, Ben$/);
});

function floats(samples: Int16Array): Float32Array {
  return Float32Array.from(samples, (sample) => sample / 32_768);
}
