/** Alone for so long, one is asked; in milliseconds. */
export const ASK_AFTER_MS = 15 * 60_000;
/** Without an answer one leaves after this. */
export const ANSWER_WITHIN_MS = 2 * 60_000;

/** Since when nobody else has been here, or since one last said to be there; `null` in company. */
export type AloneSince = number | null;

export function nextAlone(since: AloneSince, people: number, now: number): AloneSince {
  return people > 1 ? null : (since ?? now);
}

export type Loneliness =
  | { readonly kind: "fine" }
  /** Asked whether somebody is still there. */
  | { readonly kind: "asked"; readonly secondsLeft: number }
  | { readonly kind: "over" };

export function loneliness(since: AloneSince, now: number): Loneliness {
  if (since === null || now - since < ASK_AFTER_MS) return { kind: "fine" };
  const left = since + ASK_AFTER_MS + ANSWER_WITHIN_MS - now;
  return left <= 0 ? { kind: "over" } : { kind: "asked", secondsLeft: Math.ceil(left / 1000) };
}
