import type { KeyValueStore } from "../preferences/preferences";

/**
 * What this tab may prove about a meeting: that it is the host, and that it is the same person as before. Kept for
 * the tab's life only, so that a shared computer gives neither to the next person.
 */
export class MeetingKeys {
  readonly #store: KeyValueStore;

  constructor(store: KeyValueStore) {
    this.#store = store;
  }

  hostKey(code: string): string | null {
    return this.#read(`heydok.host.${code}`);
  }

  keepHostKey(code: string, key: string): void {
    this.#write(`heydok.host.${code}`, key);
  }

  forgetHostKey(code: string): void {
    try {
      this.#store.removeItem(`heydok.host.${code}`);
    } catch {
      // Forbidden storage has kept nothing.
    }
  }

  rejoinToken(code: string): string | null {
    return this.#read(`heydok.rejoin.${code}`);
  }

  keepRejoinToken(code: string, token: string): void {
    this.#write(`heydok.rejoin.${code}`, token);
  }

  #read(key: string): string | null {
    try {
      return this.#store.getItem(key);
    } catch {
      return null;
    }
  }

  #write(key: string, value: string): void {
    try {
      this.#store.setItem(key, value);
    } catch {
      // Forbidden storage: the key is lost with the page, and the link still has it.
    }
  }
}
