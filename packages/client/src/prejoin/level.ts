import { type Behavior, Cell } from "../state/behavior";
import type { OpenLevelMeter } from "./ports";

export const LEVEL_BARS = 12;

export type LevelWord = "silent" | "quiet" | "good" | "loud";

export interface Level {
  /** 0 to `LEVEL_BARS`. */
  readonly bars: number;
  /** Of the loudest moment of the last seconds, so that it stands still while somebody speaks. */
  readonly word: LevelWord;
  /** On, but without any sound for eight seconds. */
  readonly silentTooLong: boolean;
}

export const NO_LEVEL: Level = { bars: 0, word: "silent", silentTooLong: false };

const TICK_MS = 33;
const WORD_WINDOW_MS = 1_500;
const SILENT_TOO_LONG_MS = 8_000;
const FLOOR_DB = -60;
/** Below this there is no sound at all; a muted or dead microphone gives digital silence. */
const SOUND_DB = -75;
const QUIET_DB = -42;
const LOUD_DB = -3;
/** Bars fall slower than they rise, as on a studio meter. */
const FALL_DB = 1.6;

export function barsOf(db: number): number {
  const share = (Math.min(db, 0) - FLOOR_DB) / -FLOOR_DB;
  return Math.max(0, Math.min(LEVEL_BARS, Math.round(share * LEVEL_BARS)));
}

export function wordOf(db: number): LevelWord {
  if (db < SOUND_DB) return "silent";
  if (db < QUIET_DB) return "quiet";
  return db > LOUD_DB ? "loud" : "good";
}

/** Follows one microphone stream until closed. */
export class LevelMonitor {
  readonly #level = new Cell<Level>(NO_LEVEL);
  readonly #close: () => void;

  constructor(stream: MediaStream, open: OpenLevelMeter) {
    const meter = open(stream);
    let shownDb = -100;
    let windowDb = -100;
    let windowMs = 0;
    let word: LevelWord = "silent";
    let silentMs = 0;
    const timer = setInterval(() => {
      const db = meter.peakDb();
      shownDb = Math.max(db, shownDb - FALL_DB);
      windowDb = Math.max(windowDb, db);
      windowMs += TICK_MS;
      silentMs = db < SOUND_DB ? silentMs + TICK_MS : 0;
      if (windowMs >= WORD_WINDOW_MS || windowDb > QUIET_DB) word = wordOf(windowDb);
      if (windowMs >= WORD_WINDOW_MS) {
        windowDb = -100;
        windowMs = 0;
      }
      this.#publish({ bars: barsOf(shownDb), word, silentTooLong: silentMs >= SILENT_TOO_LONG_MS });
    }, TICK_MS);
    this.#close = () => {
      clearInterval(timer);
      meter.close();
    };
  }

  get level(): Behavior<Level> {
    return this.#level;
  }

  close(): void {
    this.#close();
  }

  #publish(next: Level): void {
    const before = this.#level.value;
    const same =
      before.bars === next.bars && before.word === next.word && before.silentTooLong === next.silentTooLong;
    if (!same) this.#level.set(next);
  }
}
