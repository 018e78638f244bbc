import { createContext, type ReactNode, useContext } from "react";

export type Urgency = "polite" | "assertive";
/** Tells screen readers something that is seen elsewhere on the page. */
export type Announce = (message: string, urgency?: Urgency) => void;

const AnnouncerContext = createContext<Announce>(() => undefined);

/** A region is emptied first, so that the same sentence twice is read twice. */
const CLEAR_MS = 60;
/** Messages wait for each other, so that a reader finishes the earlier one. */
const BETWEEN_MS = 400;
const QUEUE_MAX = 8;

class LiveRegion {
  readonly #urgency: Urgency;
  readonly #queue: string[] = [];
  #busy = false;

  constructor(urgency: Urgency) {
    this.#urgency = urgency;
  }

  say(message: string): void {
    if (this.#queue.at(-1) === message) return;
    this.#queue.push(message);
    if (this.#queue.length > QUEUE_MAX) this.#queue.shift();
    if (!this.#busy) this.#next();
  }

  /** The page's region, or that of the modal dialog which makes the rest of the page inert. */
  #element(): Element | null {
    const inDialog = [...document.querySelectorAll(`dialog:modal [data-live=${this.#urgency}]`)].at(-1);
    return inDialog ?? document.getElementById(`announce-${this.#urgency}`);
  }

  #next(): void {
    const message = this.#queue.shift();
    const region = this.#element();
    this.#busy = message !== undefined && region !== null;
    if (message === undefined || region === null) return;
    region.textContent = "";
    setTimeout(() => {
      region.textContent = message;
      setTimeout(() => this.#next(), BETWEEN_MS);
    }, CLEAR_MS);
  }
}

/** The two live regions are in index.html, so they exist from the first paint. */
const regions: Record<Urgency, LiveRegion> = {
  polite: new LiveRegion("polite"),
  assertive: new LiveRegion("assertive"),
};

const announce: Announce = (message, urgency = "polite") => regions[urgency].say(message);

export function AnnouncerProvider({ children }: { children: ReactNode }) {
  return <AnnouncerContext value={announce}>{children}</AnnouncerContext>;
}

export function useAnnounce(): Announce {
  return useContext(AnnouncerContext);
}
