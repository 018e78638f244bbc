const BIDI_AND_CONTROL = /[\p{Cc}\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/gu;

/** The first character as a reader sees it (an emoji or a letter with accents counts as one). */
function firstGrapheme(word: string): string {
  const segmenter = new Intl.Segmenter(undefined, { granularity: "grapheme" });
  for (const { segment } of segmenter.segment(word)) return segment;
  return "";
}

/**
 * One or two characters that stand for a name while its camera is off. Works in any script: first
 * character of the first and the last word; scripts without word spaces give one character.
 */
export function initials(name: string): string {
  const words = name.replace(BIDI_AND_CONTROL, "").split(/\s+/u).filter(Boolean);
  const first = words[0];
  if (first === undefined) return "?";
  const last = words.length > 1 ? words[words.length - 1] : undefined;
  const letters = firstGrapheme(first) + (last === undefined ? "" : firstGrapheme(last));
  return letters.toLocaleUpperCase();
}

/** How many avatar fills the palette has ("data 1" to "data 8"). */
export const AVATAR_COLOURS = 8;

/**
 * Fills for everybody in a call, in joining order: each has the own one of the identity, unless somebody earlier has
 * it already. So a small round never holds two people of one colour, and nobody changes colour when others come.
 */
export function avatarColours(identities: readonly string[]): ReadonlyMap<string, number> {
  const colours = new Map<string, number>();
  const taken = new Set<number>();
  for (const identity of identities) {
    let colour = avatarColour(identity);
    while (taken.has(colour) && taken.size < AVATAR_COLOURS) colour = (colour % AVATAR_COLOURS) + 1;
    taken.add(colour);
    colours.set(identity, colour);
  }
  return colours;
}

/** A stable avatar fill, 1 to {@link AVATAR_COLOURS}, for an identity. */
export function avatarColour(identity: string): number {
  let hash = 0;
  for (const character of identity) hash = (hash * 31 + (character.codePointAt(0) ?? 0)) >>> 0;
  return (hash % AVATAR_COLOURS) + 1;
}
