/** As the server counts them. */
export const DISPLAY_NAME_CHARS_MAX = 50;

// Control, zero-width and bidirectional override characters: the server refuses them, so they go before it asks.
const INVISIBLE = /[\p{Cc}\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/gu;

/** The name as it is sent: composed, trimmed, single spaces. Empty if nothing visible is left. */
export function cleanDisplayName(typed: string): string {
  const visible = typed.normalize("NFC").replace(/\s+/gu, " ").replace(INVISIBLE, "").trim();
  return [...visible].slice(0, DISPLAY_NAME_CHARS_MAX).join("").trim();
}
