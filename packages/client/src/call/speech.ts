/** When somebody speaks and last spoke; times in milliseconds of one clock. */
export interface Speech {
  /** Start of the present utterance, `null` while silent. */
  speakingSince: number | null;
  /** Latest moment of speech, `null` if never. */
  lastSpokeAt: number | null;
}

export type SpeechLog = ReadonlyMap<string, Speech>;

/** Pauses shorter than this belong to the same utterance: people breathe. */
export const BREATH_MS = 600;

/** The log after `speaking` were heard at `now`. Call it on each change and on a slow tick. */
export function hear(log: SpeechLog, speaking: readonly string[], now: number): SpeechLog {
  const next = new Map(log);
  for (const id of speaking) {
    const since = log.get(id)?.speakingSince ?? now;
    next.set(id, { speakingSince: since, lastSpokeAt: now });
  }
  for (const [id, speech] of log) {
    if (speaking.includes(id) || speech.speakingSince === null) continue;
    const silentFor = now - (speech.lastSpokeAt ?? now);
    if (silentFor > BREATH_MS) next.set(id, { ...speech, speakingSince: null });
  }
  return next;
}

/** For how long `id` has been speaking, in milliseconds; 0 while silent. */
export function speakingFor(log: SpeechLog, id: string, now: number): number {
  const since = log.get(id)?.speakingSince;
  return since === null || since === undefined ? 0 : now - since;
}

export interface SpeakerView {
  /** Who is shown large; `null` before anybody has spoken. */
  shown: string | null;
  shownSince: number;
}

/** Speech this long brings a new speaker to the front. */
export const SPEAKER_AFTER_MS = 1000;
/** A speaker stays in front at least this long. */
export const SPEAKER_HOLD_MS = 3000;

/**
 * Who the speaker view shows: changes after one second of speech, holds at least three seconds.
 * `others` are the people who may be shown, never oneself, in joining order.
 */
export function nextSpeaker(
  view: SpeakerView,
  log: SpeechLog,
  others: readonly string[],
  now: number,
): SpeakerView {
  const present = view.shown !== null && others.includes(view.shown);
  if (present && now - view.shownSince < SPEAKER_HOLD_MS) return view;
  if (present && speakingFor(log, view.shown ?? "", now) > 0) return view;
  const candidate = others
    .filter((id) => speakingFor(log, id, now) >= SPEAKER_AFTER_MS)
    .sort((a, b) => speakingFor(log, b, now) - speakingFor(log, a, now))[0];
  if (candidate !== undefined && candidate !== view.shown) return { shown: candidate, shownSince: now };
  if (present) return view;
  const first = others[0] ?? null;
  // A fallback is no choice worth holding: the first real speaker may replace it at once.
  return first === view.shown ? view : { shown: first, shownSince: now - SPEAKER_HOLD_MS };
}
