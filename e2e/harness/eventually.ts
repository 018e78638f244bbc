/** Waits until `probe` gives the wanted value, and names the last other one when it never does. */
export async function eventually<T>(
  what: string,
  probe: () => T | Promise<T>,
  wanted: T,
  limitMs = 45_000,
): Promise<void> {
  const deadline = Date.now() + limitMs;
  const expected = canonical(wanted);
  for (;;) {
    const seen = canonical(await probe());
    if (seen === expected) return;
    if (Date.now() > deadline) throw new Error(`${what}: wanted ${expected}, last seen ${seen}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** The value as JSON, with the keys of all objects in alphabetical order. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    part !== null && typeof part === "object" && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([one], [other]) => (one < other ? -1 : 1)))
      : part,
  );
}
