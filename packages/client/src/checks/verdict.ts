import { type Check, type CheckId, type NoteKey, PATHS } from "./check";

/** What all checks together mean for a call. */
export type Verdict =
  | { readonly kind: "video" }
  | { readonly kind: "audio"; readonly reason: AudioReason }
  /** Pictures and the others' sound would come, but nobody would hear oneself. */
  | { readonly kind: "unheard" }
  | { readonly kind: "blocked"; readonly reason: BlockedReason }
  /** The server could not be asked. */
  | { readonly kind: "unknown" };

export type AudioReason = "tcpOnly" | "uploadSlow" | "downloadSlow" | "lossy" | "partly" | "noCamera";
export type BlockedReason = "insecure" | "browser" | "server" | "full" | "faulty" | "noPath" | "noMedia";

/** The judgement over finished checks; the gravest cause counts. Checks that are not in the list say nothing. */
export function verdictOf(checks: readonly Check[]): Verdict {
  const state = (id: CheckId) => checks.find((check) => check.id === id)?.state;
  const note = (id: CheckId) => checks.find((check) => check.id === id)?.note?.key;
  const open = PATHS.filter((path) => state(path) === "passed");
  const blocked = (reason: BlockedReason): Verdict => ({ kind: "blocked", reason });
  const audio = (reason: AudioReason): Verdict => ({ kind: "audio", reason });

  if (state("secure_page") === "failed") return blocked("insecure");
  if (state("browser") === "failed") return blocked("browser");
  if (state("signalling") === "failed") return blocked(serverFault(note("signalling")));
  if (state("signalling") !== "passed") return { kind: "unknown" };
  if (open.length === 0 && PATHS.some((path) => state(path) === "failed")) return blocked("noPath");
  if (note("three_party_media") === "thirdNone") return blocked("noMedia");

  if (open.length > 0 && !open.includes("udp") && !open.includes("turn_udp")) return audio("tcpOnly");
  if (bad(state("upload"))) return audio("uploadSlow");
  if (bad(state("download"))) return audio("downloadSlow");
  if (state("loss") === "failed") return audio("lossy");
  if (state("three_party_media") === "failed") return audio("partly");
  if (state("microphone") === "failed") return { kind: "unheard" };
  return state("camera") === "failed" ? audio("noCamera") : { kind: "video" };
}

/** Why the server cannot be used. */
function serverFault(note: NoteKey | undefined): BlockedReason {
  if (note === "serverFull") return "full";
  return note === "serverFaulty" ? "faulty" : "server";
}

function bad(state: Check["state"] | undefined): boolean {
  return state === "failed" || state === "warning";
}
