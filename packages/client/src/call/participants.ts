import type { Behavior } from "../state/behavior";

/** Something a `<video>` can show. The SDK's object stays inside. */
export interface VideoSource {
  /** Changes whenever the picture comes from another track. */
  key: string;
  /** Starts showing in `element`; the returned function ends that. */
  attach(element: HTMLVideoElement): () => void;
  /** The same for an element in another window, which is seen although this page may be behind it. */
  attachElsewhere(element: HTMLVideoElement): () => void;
}

export type Quality = "good" | "weak" | "lost" | "unknown";
export type Role = "host" | "guest" | "external" | "unknown";

/** One person as tiles and lists show them. */
export interface ParticipantView {
  /** The identity: stays the same when the person comes back. */
  id: string;
  name: string;
  isLocal: boolean;
  /** Milliseconds since 1970. */
  joinedAt: number;
  microphoneOn: boolean;
  cameraOn: boolean;
  /** `null` while off, or not yet arrived. */
  camera: VideoSource | null;
  screen: VideoSource | null;
  /** The server holds the camera's picture back, because our line does not carry it. */
  paused: boolean;
  speaking: boolean;
  quality: Quality;
  /** Known from before an outage, not yet seen again after it. */
  stale: boolean;
}

export type Participants = Behavior<readonly ParticipantView[]>;

/** People who were here before an outage keep their tile this long after it, in milliseconds. */
export const STALE_FOR_MS = 10_000;

/** Joining order, which is also the order of tiles in the document. */
function byJoining(a: ParticipantView, b: ParticipantView): number {
  return a.joinedAt - b.joinedAt || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
}

const COMPARED = [
  "name",
  "isLocal",
  "joinedAt",
  "microphoneOn",
  "cameraOn",
  "camera",
  "screen",
  "paused",
  "speaking",
  "quality",
  "stale",
] as const satisfies readonly (keyof ParticipantView)[];

function same(a: ParticipantView, b: ParticipantView): boolean {
  return COMPARED.every((field) => Object.is(a[field], b[field]));
}

/**
 * The people to show after looking into the room. Unchanged ones keep their object, the first seen
 * joining time stays, and with `keepMissing` those not (yet) there again stay as stale.
 */
export function mergeParticipants(
  previous: readonly ParticipantView[],
  current: readonly ParticipantView[],
  options: { keepMissing: boolean },
): readonly ParticipantView[] {
  const before = new Map(previous.map((view) => [view.id, view]));
  const merged = current.map((view) => {
    const known = before.get(view.id);
    if (known === undefined) return view;
    // Coming back after an outage must not move a tile.
    const joinedAt = view.isLocal ? view.joinedAt : Math.min(known.joinedAt, view.joinedAt);
    const next = { ...view, joinedAt };
    return same(known, next) ? known : next;
  });
  if (options.keepMissing) {
    const present = new Set(current.map((view) => view.id));
    for (const view of previous) if (!present.has(view.id)) merged.push(asStale(view));
  }
  merged.sort(byJoining);
  const unchanged =
    merged.length === previous.length && merged.every((view, index) => view === previous[index]);
  return unchanged ? previous : merged;
}

function asStale(view: ParticipantView): ParticipantView {
  if (view.stale && !view.speaking) return view;
  return { ...view, stale: true, speaking: false, quality: "lost" };
}

/** Everybody but oneself, as they look while the line is cut. */
export function withoutLine(views: readonly ParticipantView[]): readonly ParticipantView[] {
  return views.map((view) => (view.isLocal ? view : asStale(view)));
}
