// Fails when a page loads more JavaScript than the budget allows. Sizes are brotli, as heydok sends its files to browsers.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants } from "node:zlib";

const KB = 1_000;
const MEETING = "src/features/meeting/MeetingPage.tsx";
/** Each page with everything that has to be there before it can be used. */
const budgets = [
  { page: "landing", entries: ["index.html"], most: 90 * KB },
  { page: "pre-join", entries: ["index.html", MEETING], most: 150 * KB },
  { page: "call", entries: ["index.html", MEETING, "src/features/call/index.tsx"], most: 350 * KB },
];

const dist = join(import.meta.dirname, "..", "dist");
const manifest = JSON.parse(readFileSync(join(dist, ".vite", "manifest.json"), "utf8"));

/** The scripts a page loads at once: its own and, again and again, what those import. */
function scriptsOf(entry, found = new Set()) {
  const chunk = manifest[entry];
  if (!chunk) throw new Error(`no ${entry} in the manifest: build first`);
  if (found.has(chunk.file)) return found;
  found.add(chunk.file);
  for (const imported of chunk.imports ?? []) scriptsOf(imported, found);
  return found;
}

// The quality of crates/heydok/build.rs.
const params = { [constants.BROTLI_PARAM_QUALITY]: 9 };
const compressed = (file) => brotliCompressSync(readFileSync(join(dist, file)), { params }).length;

let failed = false;
for (const { page, entries, most } of budgets) {
  const files = [...new Set(entries.flatMap((entry) => [...scriptsOf(entry)]))];
  const size = files.reduce((sum, file) => sum + compressed(file), 0);
  const verdict = size <= most ? "ok" : "TOO LARGE";
  failed ||= size > most;
  console.log(`${page}: ${Math.round(size / KB)} kB of ${most / KB} kB JavaScript, compressed – ${verdict}`);
}
process.exitCode = failed ? 1 : 0;
