import type { Note } from "@heydok/client/call";

/** Quiet enough beside voices: about -24 LUFS at full volume. */
const PEAK_GAIN = 0.12;
const FADE_SECONDS = 0.015;

type SinkContext = AudioContext & { setSinkId?: (id: string) => Promise<void> };

let shared: SinkContext | null = null;

/** Plays a few notes, made on the spot. One audio context serves all sounds of the page. */
export function playNotes(notes: readonly Note[], volume: number, speakerId: string | null): void {
  shared ??= new AudioContext();
  const context = shared;
  void context.resume();
  if (speakerId !== null) void context.setSinkId?.(speakerId).catch(() => undefined);
  for (const note of notes) {
    const start = context.currentTime + note.at / 1000;
    const end = start + note.length / 1000;
    const tone = new OscillatorNode(context, { type: "sine", frequency: note.frequency });
    const gain = new GainNode(context, { gain: 0 });
    gain.gain.setValueAtTime(0, start);
    gain.gain.linearRampToValueAtTime(PEAK_GAIN * volume, start + FADE_SECONDS);
    gain.gain.exponentialRampToValueAtTime(0.0001, end);
    tone.connect(gain).connect(context.destination);
    tone.start(start);
    tone.stop(end);
  }
}
