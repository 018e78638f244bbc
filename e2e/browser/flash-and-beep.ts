import type { Page } from "@playwright/test";

declare global {
  interface Window {
    /** When flashes were seen and beeps were heard in this page, in milliseconds of `performance.now()`. */
    sensed: { flashes: number[]; beeps: number[] };
  }
}

/**
 * Runs in the page: publishes a picture that flashes and a sound that beeps at the same moments, by one clock; and
 * sends both to the page itself over a connection without a server, to be sensed as `name/name`.
 */
async function publishInPage(name: string): Promise<void> {
  const local = window.rooms[name]?.localParticipant;
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [480, 270];
  const brush = canvas.getContext("2d", { willReadFrequently: true });
  if (brush === null || local === undefined) throw new Error(`${name} is not there`);
  const context = new AudioContext({ latencyHint: "interactive" });
  const volume = new GainNode(context, { gain: 0 });
  const destination = context.createMediaStreamDestination();
  const oscillator = new OscillatorNode(context, { frequency: 1_000 });
  oscillator.connect(volume).connect(destination);
  oscillator.start();
  const stream = canvas.captureStream();
  const { Source } = window.LivekitClient.Track;
  for (const track of stream.getVideoTracks()) await local.publishTrack(track, { source: Source.Camera });
  for (const track of destination.stream.getAudioTracks())
    await local.publishTrack(track, { source: Source.Microphone, dtx: false });

  const [one, other] = [new window.DirectPeerConnection(), new window.DirectPeerConnection()];
  one.onicecandidate = ({ candidate }) => other.addIceCandidate(candidate);
  other.onicecandidate = ({ candidate }) => one.addIceCandidate(candidate);
  const both = new MediaStream([...stream.getTracks(), ...destination.stream.getTracks()]);
  for (const track of both.getTracks()) one.addTrack(track, both);
  other.ontrack = ({ track }) => {
    const element = document.createElement(track.kind) as HTMLMediaElement;
    element.dataset.participant = `${name}/${name}`;
    element.srcObject = new MediaStream([track]);
    document.body.append(element);
    void element.play();
  };
  await one.setLocalDescription();
  await other.setRemoteDescription(one.localDescription as RTCSessionDescription);
  await other.setLocalDescription();
  await one.setRemoteDescription(other.localDescription as RTCSessionDescription);

  let painted = 0;
  setInterval(() => {
    const on = painted % 16 < 4;
    if (painted % 16 === 0) volume.gain.setValueAtTime(0.5, context.currentTime);
    if (painted % 16 === 4) volume.gain.setValueAtTime(0, context.currentTime);
    // Two greys of each, so that every paint is a new picture.
    const level = (on ? 235 : 16) + (painted % 2);
    brush.fillStyle = `rgb(${level},${level},${level})`;
    brush.fillRect(0, 0, canvas.width, canvas.height);
    painted += 1;
  }, 50);
}

/** Runs in the page: notes when the flashes and beeps of that participant reach eye and ear. */
async function senseInPage(path: string): Promise<void> {
  const video = document.querySelector<HTMLVideoElement>(`video[data-participant="${path}"]`);
  const audio = document.querySelector<HTMLAudioElement>(`audio[data-participant="${path}"]`);
  const brush = new OffscreenCanvas(8, 8).getContext("2d", { willReadFrequently: true });
  if (video === null || audio === null || brush === null) throw new Error(`${path} is not there`);
  const sensed = { flashes: [] as number[], beeps: [] as number[] };
  window.sensed = sensed;

  let bright = true;
  const look = (_now: number, { expectedDisplayTime }: VideoFrameCallbackMetadata) => {
    brush.drawImage(video, 0, 0, 8, 8);
    const [level = 0] = brush.getImageData(4, 4, 1, 1).data;
    if (level > 128 && !bright) sensed.flashes.push(expectedDisplayTime);
    bright = level > 128;
    video.requestVideoFrameCallback(look);
  };
  video.requestVideoFrameCallback(look);

  const processor = `registerProcessor("ear", class extends AudioWorkletProcessor {
    quietSince = 0;
    process([[samples]]) {
      const first = samples ? samples.findIndex((sample) => Math.abs(sample) > 0.1) : -1;
      if (first < 0) return true;
      const at = currentTime + first / sampleRate;
      if (at - this.quietSince > 0.2) this.port.postMessage(at);
      this.quietSince = currentTime;
      return true;
    }
  })`;
  const context = new AudioContext({ latencyHint: "interactive" });
  await context.audioWorklet.addModule(
    URL.createObjectURL(new Blob([processor], { type: "text/javascript" })),
  );
  const ear = new AudioWorkletNode(context, "ear");
  ear.port.onmessage = ({ data }: MessageEvent<number>) => {
    // When what the context makes now leaves the loudspeaker.
    const { contextTime = 0, performanceTime = 0 } = context.getOutputTimestamp();
    sensed.beeps.push(performanceTime + (data - contextTime) * 1_000);
  };
  context.createMediaStreamSource(audio.srcObject as MediaStream).connect(ear);
  ear.connect(context.destination);
}

export async function publishFlashes(page: Page, name: string): Promise<void> {
  await page.evaluate(publishInPage, name);
}

/** Begins to note what `watcher` sees and hears of `other`. */
export async function senseFlashes(page: Page, watcher: string, other: string): Promise<void> {
  await page.evaluate(senseInPage, `${watcher}/${other}`);
}

/** Forgets what was sensed so far. */
export async function forget(page: Page): Promise<void> {
  await page.evaluate(() => {
    window.sensed.flashes.length = 0;
    window.sensed.beeps.length = 0;
  });
}

/** Milliseconds by which each beep came after its flash; beeps and flashes without the other are left out. */
export async function offsets(page: Page): Promise<number[]> {
  const { flashes, beeps } = await page.evaluate(() => window.sensed);
  return flashes.flatMap((flash) => {
    const distances = beeps.map((beep) => beep - flash).sort((one, other) => Math.abs(one) - Math.abs(other));
    const [nearest] = distances;
    return nearest !== undefined && Math.abs(nearest) < 300 ? [nearest] : [];
  });
}
