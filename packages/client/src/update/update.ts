import { type Behavior, Cell } from "../state/behavior";

/** Where the page's own program comes from; its name changes with each build. `null` if the text is no such page. */
export function programOf(page: string): string | null {
  const tag = /<script\b[^>]*\btype="module"[^>]*>/.exec(page)?.[0] ?? "";
  return /\bsrc="([^"]+)"/.exec(tag)?.[1] ?? null;
}

/** The server is not asked more often than this, whatever happens. */
const ASK_AT_MOST_EVERY_MS = 60_000;

export interface UpdatePorts {
  /** The page as the server gives it now; `null` if it does not answer. */
  fetchPage(): Promise<string | null>;
  /** Milliseconds since 1970. */
  now(): number;
}

/** Notices that the server has a newer build than the one that runs. */
export class UpdateWatch {
  readonly #cell = new Cell(false);
  #askedAt = Number.NEGATIVE_INFINITY;

  /** `running` is the program of the page that runs, as `programOf` reads it. */
  constructor(
    private readonly running: string | null,
    private readonly ports: UpdatePorts,
  ) {}

  get ready(): Behavior<boolean> {
    return this.#cell;
  }

  async check(): Promise<void> {
    const now = this.ports.now();
    if (this.running === null || this.#cell.value || now - this.#askedAt < ASK_AT_MOST_EVERY_MS) return;
    this.#askedAt = now;
    const page = await this.ports.fetchPage();
    const program = page === null ? null : programOf(page);
    if (program !== null && program !== this.running) this.#cell.set(true);
  }
}
