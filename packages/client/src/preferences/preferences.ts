import { chooseLanguage, type Language, languages } from "../i18n/translate";
import { type Behavior, Cell } from "../state/behavior";

export type Theme = "system" | "light" | "dark";

/** What this browser remembers between visits. Nothing of it is sent anywhere but the name, on joining. */
export interface Preferences {
  readonly theme: Theme;
  /** `null`: as the browser wishes. */
  readonly language: Language | null;
  readonly displayName: string;
  readonly microphoneOn: boolean;
  readonly cameraOn: boolean;
  readonly microphoneId: string | null;
  readonly cameraId: string | null;
  readonly speakerId: string | null;
}

export const defaultPreferences: Preferences = {
  theme: "system",
  language: null,
  displayName: "",
  microphoneOn: true,
  cameraOn: true,
  microphoneId: null,
  cameraId: null,
  speakerId: null,
};

/** The part of `Storage` that is needed; private windows may throw on each call. */
export interface KeyValueStore {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

/** Also read by boot.js before the first paint. */
const KEY = "heydok.preferences";
const STORED_CHARS_MAX = 8_192;
const TEXT_CHARS_MAX = 256;

export class PreferencesViewModel {
  readonly #store: KeyValueStore;
  readonly #cell: Cell<Preferences>;
  readonly #language: Cell<Language>;
  readonly #wishes: readonly string[];

  /** `wishes` are the browser's languages; `fixed` comes from `?lang=` and is not remembered. */
  constructor(store: KeyValueStore, wishes: readonly string[], fixed: string | null = null) {
    this.#store = store;
    this.#wishes = wishes;
    this.#cell = new Cell(load(store));
    const asked = languages.find((language) => language === fixed);
    this.#language = new Cell(asked ?? this.#cell.value.language ?? chooseLanguage(wishes));
  }

  get preferences(): Behavior<Preferences> {
    return this.#cell;
  }

  /** The language in use. */
  get language(): Behavior<Language> {
    return this.#language;
  }

  change(part: Partial<Preferences>): void {
    this.#cell.update((before) => ({ ...before, ...part }));
    if (part.language !== undefined) this.#language.set(part.language ?? chooseLanguage(this.#wishes));
    try {
      this.#store.setItem(KEY, JSON.stringify(this.#cell.value));
    } catch {
      // Full or forbidden storage: the choice holds until the page is closed.
    }
  }
}

function load(store: KeyValueStore): Preferences {
  try {
    const text = store.getItem(KEY);
    if (text === null || text.length > STORED_CHARS_MAX) return defaultPreferences;
    return readPreferences(JSON.parse(text));
  } catch {
    return defaultPreferences;
  }
}

/** Takes only what has the right form; a browser's storage is outside our control. */
function readPreferences(value: unknown): Preferences {
  const stored = (typeof value === "object" && value !== null ? value : {}) as Record<string, unknown>;
  const text = (key: string): string | null => {
    const found = stored[key];
    return typeof found === "string" && found.length <= TEXT_CHARS_MAX ? found : null;
  };
  const themes: readonly Theme[] = ["system", "light", "dark"];
  return {
    theme: themes.find((theme) => theme === stored.theme) ?? defaultPreferences.theme,
    language: languages.find((language) => language === stored.language) ?? null,
    displayName: text("displayName") ?? "",
    microphoneOn: stored.microphoneOn !== false,
    cameraOn: stored.cameraOn !== false,
    microphoneId: text("microphoneId"),
    cameraId: text("cameraId"),
    speakerId: text("speakerId"),
  };
}
