import type { Page } from "@playwright/test";

/** What browsers tell of a candidate (W3C webrtc-stats). */
interface CandidateStats {
  readonly candidateType: string;
  readonly protocol: string;
  /** Of a relayed candidate: how its relay is reached. */
  readonly relayProtocol?: string;
  readonly address: string;
  readonly port: number;
}

/** What a watcher's browser counts of one other person since it began to receive that person's tracks. */
export interface Reception {
  /** Audio samples that were played, and those of them that had to be made up for a loss; silence is not counted. */
  readonly samples: number;
  readonly concealed: number;
  /** All samples that had to be made up, the silence after a while without any sound too. */
  readonly missing: number;
  readonly frames: number;
  /** Width of the last decoded frame. */
  readonly width: number;
  readonly freezes: number;
  readonly frozenSeconds: number;
}

/** Runs in the page. */
async function readReception({ watcher, other }: { watcher: string; other: string }) {
  const publications = window.rooms[watcher]?.remoteParticipants.get(other)?.trackPublications.values() ?? [];
  const rows: Record<string, number>[] = [];
  for (const { track } of publications) {
    for (const row of (await track?.getRTCStatsReport())?.values() ?? [])
      if (row.type === "inbound-rtp") rows.push(row);
  }
  return rows;
}

/** How `watcher` has received `other` so far; both are names of rooms in the page. */
export async function reception(page: Page, watcher: string, other: string): Promise<Reception> {
  const rows = await page.evaluate(readReception, { watcher, other });
  const of = (name: string) => rows.find((row) => name in row)?.[name] ?? 0;
  return {
    samples: of("totalSamplesReceived"),
    concealed: of("concealedSamples") - of("silentConcealedSamples"),
    missing: of("concealedSamples"),
    frames: of("framesDecoded"),
    width: of("frameWidth"),
    freezes: of("freezeCount"),
    frozenSeconds: of("totalFreezesDuration"),
  };
}

/** What came between two looks. */
export function between(before: Reception, after: Reception) {
  const samples = after.samples - before.samples;
  return {
    seconds: samples / 48_000,
    /** Share of the sound that was made up, in percent. */
    concealed: (100 * (after.concealed - before.concealed)) / Math.max(1, samples),
    missingSeconds: (after.missing - before.missing) / 48_000,
    frames: after.frames - before.frames,
    freezes: after.freezes - before.freezes,
    frozenSeconds: after.frozenSeconds - before.frozenSeconds,
  };
}

/** The candidates at both ends of each way that media of the page's connections takes at this moment. */
async function waysInPage(): Promise<{ local: CandidateStats; remote: CandidateStats }[]> {
  const found: { local: CandidateStats; remote: CandidateStats }[] = [];
  for (const connection of window.connections) {
    if (connection.connectionState !== "connected") continue;
    const report = await connection.getStats();
    for (const row of report.values()) {
      const pair = row.type === "transport" && report.get(row.selectedCandidatePairId);
      if (!pair) continue;
      const [local, remote] = [pair.localCandidateId, pair.remoteCandidateId].map((id) => report.get(id));
      if (local && remote) found.push({ local, remote });
    }
  }
  return found;
}

export const ways = (page: Page) => page.evaluate(waysInPage);

/** The ways of the page's media, each once, as `udp 7882` (the server's port) or `relay tcp`. */
export async function mediaPaths(page: Page): Promise<string[]> {
  const paths = (await ways(page)).map(({ local, remote }) =>
    local.candidateType === "relay" ? `relay ${local.relayProtocol}` : `${remote.protocol} ${remote.port}`,
  );
  return [...new Set(paths)];
}

/** What this person's page has sent of the own picture: frames of the largest layer, and layers sent at the moment. */
export async function sending(page: Page, sender: string): Promise<{ frames: number; layers: number }> {
  return await page.evaluate(async (sender) => {
    let [frames, layers] = [0, 0];
    for (const { track } of window.rooms[sender]?.localParticipant.videoTrackPublications.values() ?? []) {
      for (const row of (await track?.getRTCStatsReport())?.values() ?? []) {
        if (row.type !== "outbound-rtp") continue;
        frames = Math.max(frames, row.framesSent ?? 0);
        if (row.active) layers += 1;
      }
    }
    return { frames, layers };
  }, sender);
}
