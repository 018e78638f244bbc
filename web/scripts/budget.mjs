// Fails when a page loads more JavaScript than the budget allows. Sizes are gzip, as a proxy sends them.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

const KB = 1_000;
const budgets = [
  { page: "join page", entry: "index.html", without: [], most: 200 * KB },
  { page: "call, on top", entry: "src/features/call/index.tsx", without: ["index.html"], most: 450 * KB },
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

const compressed = (file) => gzipSync(readFileSync(join(dist, file)), { level: 9 }).length;

let failed = false;
for (const { page, entry, without, most } of budgets) {
  const known = new Set(without.flatMap((other) => [...scriptsOf(other)]));
  const files = [...scriptsOf(entry)].filter((file) => !known.has(file));
  const size = files.reduce((sum, file) => sum + compressed(file), 0);
  const verdict = size <= most ? "ok" : "TOO LARGE";
  failed ||= size > most;
  console.log(`${page}: ${Math.round(size / KB)} kB of ${most / KB} kB JavaScript, compressed – ${verdict}`);
}
process.exitCode = failed ? 1 : 0;
