import type { MeetingApi } from "../api/meetings";
import type { MeetingInfo } from "../meeting/types";
import { type Behavior, Cell } from "../state/behavior";

export interface Presence {
  readonly count: number;
  /** First names, as far as the meeting shows them; may be fewer than `count`. */
  readonly names: readonly string[];
}

const REFRESH_MS = 10_000;

/** Who is already in, looked up every few seconds while somebody gets ready. */
export class PresenceViewModel {
  readonly #api: MeetingApi;
  readonly #code: string;
  readonly #presence: Cell<Presence>;
  readonly #abort = new AbortController();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(api: MeetingApi, meeting: MeetingInfo) {
    this.#api = api;
    this.#code = meeting.code;
    this.#presence = new Cell<Presence>({ count: meeting.participantCount, names: [] });
    void this.#refresh();
  }

  get presence(): Behavior<Presence> {
    return this.#presence;
  }

  end(): void {
    this.#abort.abort();
    clearTimeout(this.#timer);
  }

  async #refresh(): Promise<void> {
    try {
      const people = await this.#api.participants(this.#code, this.#abort.signal);
      const names = people.map((person) => firstName(person.displayName));
      if (!this.#abort.signal.aborted) this.#presence.set({ count: people.length, names });
    } catch {
      // The list is an extra: where it is forbidden or fails, the count of the first answer stays.
    }
    if (!this.#abort.signal.aborted) this.#timer = setTimeout(() => void this.#refresh(), REFRESH_MS);
  }
}

export function firstName(displayName: string): string {
  return displayName.trim().split(/\s+/u)[0] ?? displayName;
}
