import type { OpenLevelMeter } from "@heydok/client";

const SILENCE_DB = -100;

/** Reads the loudest sample from a microphone through an analyser; nothing is recorded or played. */
export const openLevelMeter: OpenLevelMeter = (stream) => {
  const context = new AudioContext();
  const analyser = new AnalyserNode(context, { fftSize: 2_048 });
  const source = context.createMediaStreamSource(stream);
  source.connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  // A page that nobody has touched yet may start with its sound engine asleep.
  const wake = () => void context.resume();
  window.addEventListener("pointerdown", wake);
  window.addEventListener("keydown", wake);
  return {
    peakDb() {
      analyser.getFloatTimeDomainData(samples);
      let peak = 0;
      for (const sample of samples) peak = Math.max(peak, Math.abs(sample));
      return peak === 0 ? SILENCE_DB : 20 * Math.log10(peak);
    },
    awake: () => context.state === "running",
    close() {
      window.removeEventListener("pointerdown", wake);
      window.removeEventListener("keydown", wake);
      source.disconnect();
      if (context.state !== "closed") void context.close();
    },
  };
};
