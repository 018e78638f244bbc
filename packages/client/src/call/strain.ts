/** The processor has to be short for this long before the stage shows fewer tiles, in milliseconds. */
export const SHORT_AFTER_MS = 8_000;
/** It has to be free again for this long before all tiles come back, in milliseconds. */
export const FREE_AFTER_MS = 60_000;

/** Whether the processor is short of time, and since when it looks the other way. */
export interface Strain {
  readonly short: boolean;
  /** Since when each look contradicts `short`, in milliseconds since 1970; `null` while they agree. */
  readonly since: number | null;
}

export const NO_STRAIN: Strain = { short: false, since: null };

/** The judgement after another look; a long calm is asked for, since fewer tiles are what made it calm. */
export function nextStrain(strain: Strain, limited: boolean, at: number): Strain {
  if (limited === strain.short) return strain.since === null ? strain : { ...strain, since: null };
  const since = strain.since ?? at;
  const enough = limited ? SHORT_AFTER_MS : FREE_AFTER_MS;
  return at - since >= enough ? { short: limited, since: null } : { ...strain, since };
}
