import type { Verbosity } from "./preferences";

/** Who came and who went since the last announcement, ready to be said as one sentence each. */
export interface Movement {
  joined: readonly string[];
  left: readonly string[];
}

/** Something to be said by the announcer, in the words of the language. */
export type CallNews =
  | { kind: "moved"; movement: Movement }
  | { kind: "message"; from: string; text: string; isPrivate: boolean }
  | { kind: "share-started" | "share-stopped"; name: string };

/** Whether this news is said to somebody who wants to hear only so much. Faults and questions are always said. */
export function worthSaying(news: CallNews, verbosity: Verbosity): boolean {
  if (verbosity === "errors") return false;
  return verbosity === "all" || news.kind !== "moved";
}

/** Joins and leaves are not announced from this many people on. */
export const QUIET_FROM_PEOPLE = 12;
/** Messages of the same kind within this time become one. */
export const MERGE_MS = 3_000;
/** A message is read out up to this many characters. */
export const READ_OUT_CHARACTERS = 120;

type Names = ReadonlyMap<string, string>;

/** Names that are new and names that are gone between two looks at the room. */
export function movement(before: Names, after: Names): Movement {
  const joined = [...after].filter(([id]) => !before.has(id)).map(([, name]) => name);
  const left = [...before].filter(([id]) => !after.has(id)).map(([, name]) => name);
  return { joined, left };
}

/**
 * Gathers joins and leaves for {@link MERGE_MS} and hands them over once. Somebody who leaves and
 * comes back within that time has not moved.
 */
export class MovementMerger {
  private first: Names | null = null;
  private last: Names = new Map();
  private timer: ReturnType<typeof setTimeout> | null = null;

  constructor(private readonly tell: (movement: Movement) => void) {}

  see(names: Names): void {
    this.first ??= names;
    this.last = names;
    this.timer ??= setTimeout(() => this.flush(), MERGE_MS);
  }

  dispose(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
  }

  private flush(): void {
    this.timer = null;
    const found = movement(this.first ?? new Map(), this.last);
    this.first = this.last;
    const crowd = this.last.size >= QUIET_FROM_PEOPLE;
    if (!crowd && found.joined.length + found.left.length > 0) this.tell(found);
  }
}

export function readOut(text: string): string {
  const characters = [...text.replace(/\s+/gu, " ")];
  if (characters.length <= READ_OUT_CHARACTERS) return characters.join("");
  return `${characters.slice(0, READ_OUT_CHARACTERS).join("")}…`;
}
