import type { KeyValueStore } from "../preferences/preferences";
import { CORNERS, type Corner, LAYOUTS, type LayoutChoice } from "./layout";

/** What this browser remembers of the call screen between calls. */
export interface CallPreferences {
  readonly layout: LayoutChoice;
  readonly corner: Corner;
  /** Whether single characters are shortcuts. */
  readonly singleKeys: boolean;
}

export const defaultCallPreferences: CallPreferences = {
  layout: "auto",
  corner: "bottom-right",
  singleKeys: true,
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
  };
}

export function saveCallPreferences(store: KeyValueStore, preferences: CallPreferences): void {
  try {
    store.setItem(KEY, JSON.stringify(preferences));
  } catch {
    // Full or forbidden storage: the choice holds for this call.
  }
}
