import type { KeyValueStore } from "../preferences/preferences";
import { CORNERS, type Corner, LAYOUTS, type LayoutChoice } from "./layout";
import { type OwnKeys, readOwnKeys } from "./own-keys";
import { SOUND_GROUPS, type SoundGroup } from "./sounds";

/** What this browser remembers of the call screen between calls. */
export interface CallPreferences {
  readonly layout: LayoutChoice;
  readonly corner: Corner;
  /** Whether single characters are shortcuts. */
  readonly singleKeys: boolean;
  /** Single keys that were changed. */
  readonly ownKeys: OwnKeys;
  readonly soundsOff: readonly SoundGroup[];
  /** 0 to 1. */
  readonly soundVolume: number;
  readonly verbosity: Verbosity;
  /** Keeps the control bar in sight in full screen too. */
  readonly alwaysControls: boolean;
}

/** How much screen readers are told of what happens. */
export const VERBOSITIES = ["all", "important", "errors"] as const;
export type Verbosity = (typeof VERBOSITIES)[number];

export const defaultCallPreferences: CallPreferences = {
  layout: "auto",
  corner: "bottom-right",
  singleKeys: true,
  ownKeys: {},
  soundsOff: [],
  soundVolume: 0.5,
  verbosity: "all",
  alwaysControls: false,
};

const KEY = "heydok.call";

export function loadCallPreferences(store: KeyValueStore): CallPreferences {
  try {
    const stored: unknown = JSON.parse(store.getItem(KEY) ?? "null");
    return readCallPreferences(stored);
  } catch {
    return defaultCallPreferences;
  }
}

/** Takes only what has the right form; a browser's storage is outside our control. */
function readCallPreferences(value: unknown): CallPreferences {
  const stored = (typeof value === "object" && value !== null ? value : {}) as Record<string, unknown>;
  return {
    layout: LAYOUTS.find((layout) => layout === stored.layout) ?? defaultCallPreferences.layout,
    corner: CORNERS.find((corner) => corner === stored.corner) ?? defaultCallPreferences.corner,
    singleKeys: stored.singleKeys !== false,
    ownKeys: readOwnKeys(stored.ownKeys),
    soundsOff: SOUND_GROUPS.filter(
      (group) => Array.isArray(stored.soundsOff) && stored.soundsOff.includes(group),
    ),
    soundVolume: volumeOf(stored.soundVolume),
    verbosity: VERBOSITIES.find((verbosity) => verbosity === stored.verbosity) ?? "all",
    alwaysControls: stored.alwaysControls === true,
  };
}

function volumeOf(value: unknown): number {
  const known = typeof value === "number" && value >= 0 && value <= 1;
  return known ? value : defaultCallPreferences.soundVolume;
}

export function saveCallPreferences(store: KeyValueStore, preferences: CallPreferences): void {
  try {
    store.setItem(KEY, JSON.stringify(preferences));
  } catch {
    // Full or forbidden storage: the choice holds for this call.
  }
}
