import { type Behavior, Cell } from "../state/behavior";

/** Carries messages between the tabs of one browser that show one meeting; nobody hears what they send themselves. */
export interface TabChannel {
  send(message: TabMessage): void;
  /** What arrives may be anything: every page of this origin can send. */
  listen(listener: (message: unknown) => void): void;
  close(): void;
}

export type TabMessage =
  /** Is anybody in? */
  | { readonly type: "ask" }
  /** I am, and with this key you would be me. */
  | { readonly type: "in"; readonly rejoinKey: string }
  /** I was. */
  | { readonly type: "out" };

/** Several times what the server hands out. */
const REJOIN_KEY_CHARS_MAX = 256;

/** Whether another tab of this browser is in the meeting, and the key that would take its place. Kept in memory only. */
export class OtherTabs {
  readonly #channel: TabChannel | null;
  readonly #present = new Cell(false);
  #theirs: string | null = null;
  #mine: string | null = null;

  /** `null` where the browser has no such channel: then every tab is alone. */
  constructor(channel: TabChannel | null) {
    this.#channel = channel;
    channel?.listen((message) => this.#hear(message));
  }

  /** Follows the other tabs for as long as this one is open: an answer may come late, and be taken back. */
  get present(): Behavior<boolean> {
    return this.#present;
  }

  /** Of the tab that spoke last; `null` if none is in. */
  get rejoinKey(): string | null {
    return this.#theirs;
  }

  ask(): void {
    this.#channel?.send({ type: "ask" });
  }

  /** This tab is in: says so, and to everybody who asks. */
  enter(rejoinKey: string): void {
    if (!isRejoinKey(rejoinKey)) return;
    this.#mine = rejoinKey;
    this.#channel?.send({ type: "in", rejoinKey });
  }

  leave(): void {
    if (this.#mine === null) return;
    // First, so that the question which the goodbye raises finds nobody here.
    this.#mine = null;
    this.#channel?.send({ type: "out" });
  }

  /** The key was of no use. */
  forget(): void {
    this.#set(null);
  }

  close(): void {
    this.leave();
    this.#channel?.close();
  }

  #hear(message: unknown): void {
    if (typeof message !== "object" || message === null || !("type" in message)) return;
    if (message.type === "ask") {
      if (this.#mine !== null) this.#channel?.send({ type: "in", rejoinKey: this.#mine });
    } else if (message.type === "in") {
      if ("rejoinKey" in message && isRejoinKey(message.rejoinKey)) this.#set(message.rejoinKey);
    } else if (message.type === "out") {
      this.#set(null);
      // There may be a third one.
      this.ask();
    }
  }

  #set(rejoinKey: string | null): void {
    this.#theirs = rejoinKey;
    this.#present.set(rejoinKey !== null);
  }
}

function isRejoinKey(value: unknown): value is string {
  return typeof value === "string" && value !== "" && value.length <= REJOIN_KEY_CHARS_MAX;
}
