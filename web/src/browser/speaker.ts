import type { SpeakerPort } from "@heydok/client";

const TONE_SECONDS = 1.5;
const TONE_GAIN = 0.12;

type SelectableAudio = HTMLAudioElement & { setSinkId?: (id: string) => Promise<void> };

/** Plays a soft tone that moves from left to right through the chosen speaker. */
export const browserSpeaker: SpeakerPort = {
  selectable: "setSinkId" in HTMLMediaElement.prototype,

  async playTone(deviceId) {
    const context = new AudioContext();
    const audio: SelectableAudio = new Audio();
    try {
      const destination = context.createMediaStreamDestination();
      audio.srcObject = destination.stream;
      if (deviceId !== null) await audio.setSinkId?.(deviceId);
      await context.resume();
      await audio.play();
      await playThrough(context, destination);
    } finally {
      audio.srcObject = null;
      await context.close();
    }
  },
};

function playThrough(context: AudioContext, destination: AudioNode): Promise<void> {
  const now = context.currentTime;
  const end = now + TONE_SECONDS;
  const tone = new OscillatorNode(context, { type: "sine", frequency: 523.25 });
  const gain = new GainNode(context, { gain: 0 });
  const panner = new StereoPannerNode(context, { pan: -1 });
  tone.frequency.setValueAtTime(659.25, now + TONE_SECONDS / 2);
  gain.gain.linearRampToValueAtTime(TONE_GAIN, now + 0.05);
  gain.gain.setValueAtTime(TONE_GAIN, end - 0.15);
  gain.gain.linearRampToValueAtTime(0, end);
  panner.pan.linearRampToValueAtTime(1, end);
  tone.connect(gain).connect(panner).connect(destination);
  tone.start(now);
  tone.stop(end);
  return new Promise((resolve) => {
    tone.onended = () => resolve();
  });
}
