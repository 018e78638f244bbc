/** Who takes part in the tests: each has an own colour and an own tone, so that crossed tracks are noticed. */
export interface Person {
  readonly name: string;
  /** sRGB, 0..255 each. Far apart in both luma and chroma, so that no encoder setting mixes them up. */
  readonly colour: readonly [number, number, number];
  /** Hertz. None is a harmonic of another one. */
  readonly tone: number;
}

export const ANNA: Person = { name: "Anna", colour: [210, 30, 30], tone: 520 };
export const BEN: Person = { name: "Ben", colour: [30, 170, 50], tone: 930 };
export const CARA: Person = { name: "Cara", colour: [40, 60, 220], tone: 1430 };
/** What a shared screen shows and sounds like. */
export const SCREEN: Person = { name: "Screen", colour: [220, 200, 40], tone: 2110 };

export const EVERYBODY: readonly Person[] = [ANNA, BEN, CARA, SCREEN];
