/** Waits until `probe` gives the wanted value, and names the last other one when it never does. */
export async function eventually<T>(
  what: string,
  probe: () => T | Promise<T>,
  wanted: T,
  limitMs = 45_000,
): Promise<void> {
  const deadline = Date.now() + limitMs;
  const expected = JSON.stringify(wanted);
  for (;;) {
    const seen = JSON.stringify(await probe());
    if (seen === expected) return;
    if (Date.now() > deadline) throw new Error(`${what}: wanted ${expected}, last seen ${seen}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
