import { EVERYBODY, type Person } from "./people.ts";

/** Power of one frequency in the samples (Goertzel), as a share of their whole power: 1 for a pure sine, 0 for silence. */
export function share(samples: ArrayLike<number>, sampleRate: number, hertz: number): number {
  const omega = (2 * Math.PI * hertz) / sampleRate;
  const coefficient = 2 * Math.cos(omega);
  let previous = 0;
  let beforePrevious = 0;
  let power = 0;
  const length = samples.length;
  for (let index = 0; index < length; index += 1) {
    // A Hann window keeps a neighbour's tone out of this one's share.
    const window = 0.5 - 0.5 * Math.cos((2 * Math.PI * index) / (length - 1));
    const sample = (samples[index] ?? 0) * window;
    power += sample * sample;
    const current = sample + coefficient * previous - beforePrevious;
    beforePrevious = previous;
    previous = current;
  }
  if (power === 0) return 0;
  const magnitude =
    previous * previous + beforePrevious * beforePrevious - coefficient * previous * beforePrevious;
  // A pure sine under a Hann window: |X|^2 = power * length / 3.
  return (3 * magnitude) / (power * length);
}

/** The one person whose tone carries the samples, or a word for what was heard instead. */
export function whoseTone(samples: ArrayLike<number>, sampleRate: number): string {
  let peak = 0;
  for (let index = 0; index < samples.length; index += 1)
    peak = Math.max(peak, Math.abs(samples[index] ?? 0));
  if (samples.length === 0) return "nothing yet";
  if (peak < 0.01) return "silence";
  const heard = EVERYBODY.filter((person) => share(samples, sampleRate, person.tone) > 0.05);
  const [only] = heard;
  if (only === undefined) return "noise";
  if (heard.length > 1) return `a mixture of ${heard.map((person) => person.name).join(", ")}`;
  return share(samples, sampleRate, only.tone) > 0.6 ? only.name : `a weak ${only.name}`;
}

/** A sine that goes on where the last call ended. */
export function sineGenerator(
  person: Person,
  sampleRate: number,
): (count: number) => Int16Array<ArrayBuffer> {
  let position = 0;
  return (count) => {
    const samples = new Int16Array(count);
    for (let index = 0; index < count; index += 1, position += 1) {
      samples[index] = Math.round(9_000 * Math.sin((2 * Math.PI * person.tone * position) / sampleRate));
    }
    return samples;
  };
}
