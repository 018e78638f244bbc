import { type SpeechLog, speakingFor } from "./speech";

/** What the order of tiles depends on, for one person. */
export interface TileFacts {
  id: string;
  isLocal: boolean;
  cameraOn: boolean;
  /** Milliseconds; only compared with each other. */
  joinedAt: number;
}

export interface OrderContext {
  /** In the order they were pinned. */
  pinned: readonly string[];
  speech: SpeechLog;
  pageSize: number;
  now: number;
  /** Pointer or focus was on the grid a moment ago, or a later page is open: nobody moves. */
  still: boolean;
}

/** A speaker who is off the page comes in after this much speech. */
export const SWAP_AFTER_MS = 1500;

/** Recent speakers, then cameras that are on, then joining time. */
function byRank(speech: SpeechLog) {
  const lastSpoke = (tile: TileFacts) => speech.get(tile.id)?.lastSpokeAt ?? Number.NEGATIVE_INFINITY;
  return (a: TileFacts, b: TileFacts): number => {
    const recency = lastSpoke(b) - lastSpoke(a);
    if (!Number.isNaN(recency) && recency !== 0) return recency;
    if (a.cameraOn !== b.cameraOn) return a.cameraOn ? -1 : 1;
    return a.joinedAt - b.joinedAt || (a.id < b.id ? -1 : 1);
  };
}

/** The visible tile that has been silent longest; `null` if everybody there speaks. */
function longestSilent(visible: readonly TileFacts[], context: OrderContext): TileFacts | null {
  const silent = visible.filter((tile) => speakingFor(context.speech, tile.id, context.now) === 0);
  // The rank's last entry spoke longest ago, or never and has the weakest claim.
  return silent.sort(byRank(context.speech))[silent.length - 1] ?? null;
}

/**
 * The order in which tiles are seen: pinned, then everybody else where they already were, oneself
 * last. Tiles on the first page keep their place; only a speaker who is off it swaps in.
 */
export function nextOrder(
  previous: readonly string[],
  tiles: readonly TileFacts[],
  context: OrderContext,
): string[] {
  const facts = new Map(tiles.map((tile) => [tile.id, tile]));
  const pinned = context.pinned.filter((id) => facts.has(id));
  const self = tiles.filter((tile) => tile.isLocal && !pinned.includes(tile.id));
  const rest = tiles.filter((tile) => !tile.isLocal && !pinned.includes(tile.id));

  const known = previous.flatMap((id) => rest.find((tile) => tile.id === id) ?? []);
  const fresh = rest.filter((tile) => !previous.includes(tile.id)).sort(byRank(context.speech));
  const all = [...known, ...fresh];

  const room = Math.max(0, context.pageSize - pinned.length);
  const fits = all.length + self.length <= room;
  const visible = fits ? all : all.slice(0, room);
  const hidden = fits ? [] : all.slice(room);
  if (!context.still) {
    hidden.sort(byRank(context.speech));
    swapSpeakerIn(visible, hidden, context);
  }
  return [...pinned, ...[...visible, ...hidden, ...self].map((tile) => tile.id)];
}

function swapSpeakerIn(visible: TileFacts[], hidden: TileFacts[], context: OrderContext): void {
  const at = hidden.findIndex((tile) => speakingFor(context.speech, tile.id, context.now) >= SWAP_AFTER_MS);
  const speaker = hidden[at];
  const silent = longestSilent(visible, context);
  if (speaker === undefined || silent === null) return;
  visible[visible.indexOf(silent)] = speaker;
  hidden[at] = silent;
}

/** How many tiles one person may pin for themselves. */
export const PINS_MAX = 3;

/** Pins or unpins; a fourth pin takes the place of the oldest. */
export function togglePin(pinned: readonly string[], id: string): string[] {
  if (pinned.includes(id)) return pinned.filter((other) => other !== id);
  return [...pinned, id].slice(-PINS_MAX);
}
