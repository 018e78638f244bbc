import type { MeetingApi } from "../api/meetings";
import { type Behavior, Cell } from "../state/behavior";

/** What this server has for people. What it does not offer is not on the page. */
export interface Offers {
  /** Whether a meeting can be created here; `null` while the server may still say so. */
  readonly creation: boolean | null;
  /** Who helps when something fails that people cannot solve by themselves. */
  readonly support: Support | null;
  /** How long the link of a new meeting is good; `null` while the server has not said so. */
  readonly linkSeconds: number | null;
}

export interface Support {
  /** An https or mailto address. */
  readonly url: string;
  /** The host or the mailbox, so that nobody is led to an unnamed place. */
  readonly name: string;
}

/** The page is whole after this, without the answer: what a press then fails to do is told by that press. */
const PATIENCE_MS = 2_000;

export class OffersViewModel {
  readonly #api: MeetingApi;
  readonly #current = new Cell<Offers>({ creation: null, support: null, linkSeconds: null });
  #asked = false;

  constructor(api: MeetingApi) {
    this.#api = api;
  }

  get current(): Behavior<Offers> {
    return this.#current;
  }

  /** Asks once; after a failure the next call asks again. */
  readonly ask = (): void => {
    if (this.#asked) return;
    this.#asked = true;
    void this.#askServer();
  };

  async #askServer(): Promise<void> {
    const patience = setTimeout(this.#goOn, PATIENCE_MS);
    try {
      const { anonymousCreate: creation, supportUrl, linkSeconds } = await this.#api.config();
      this.#current.set({ creation, support: supportUrl ? supportAt(supportUrl) : null, linkSeconds });
    } catch {
      this.#asked = false;
      this.#goOn();
    } finally {
      clearTimeout(patience);
    }
  }

  readonly #goOn = (): void => this.#current.update((now) => ({ ...now, creation: now.creation ?? true }));
}

/** `null` for what is no address to be opened from a page. */
function supportAt(url: string): Support | null {
  // Not `URL.parse`, which is younger than the browsers that hold calls here.
  if (!URL.canParse(url)) return null;
  const { protocol, pathname, host } = new URL(url);
  switch (protocol) {
    case "mailto:":
      return { url, name: pathname };
    case "https:":
    case "http:":
      return { url, name: host };
    default:
      return null;
  }
}
