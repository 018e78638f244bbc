import type { Page } from "@playwright/test";

import { whoseColour } from "../harness/colour.ts";
import { whoseTone } from "../harness/tone.ts";

/** What the page plays of one participant at this moment. */
export interface Playing {
  /** Names of the people whose colours are on its video elements, sorted; or what is there instead. */
  readonly colours: string[];
  /** Names of the people whose tones are on its audio elements, sorted; or what is there instead. */
  readonly tones: string[];
}

/** A picture without a new frame for so long counts as frozen. */
const FROZEN_AFTER_MS = 2_000;

/** Runs in the page: one pixel from the middle of each moving picture, and a fifth of a second of each sound. */
async function readElements({ identity, frozenAfter }: { identity: string; frozenAfter: number }) {
  const store = window as unknown as {
    senses?: {
      context: AudioContext;
      ears: WeakMap<MediaStreamTrack, AnalyserNode>;
      eyes: WeakMap<Element, { frames: number; at: number }>;
    };
  };
  store.senses ??= { context: new AudioContext(), ears: new WeakMap(), eyes: new WeakMap() };
  const { context, ears, eyes } = store.senses;
  const elements = (kind: string) =>
    [...document.querySelectorAll<HTMLMediaElement>(`${kind}[data-participant="${identity}"]`)].filter(
      (element) => element.srcObject !== null,
    );
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 8;
  const brush = canvas.getContext("2d", { willReadFrequently: true });
  if (brush === null) throw new Error("no canvas");

  const pictures = (elements("video") as HTMLVideoElement[]).map((video) => {
    const frames = video.getVideoPlaybackQuality().totalVideoFrames;
    const before = eyes.get(video);
    if (before?.frames !== frames) eyes.set(video, { frames, at: performance.now() });
    if (before === undefined || video.readyState < 2 || video.videoWidth === 0) return "nothing yet";
    if (before.frames === frames && performance.now() - before.at > frozenAfter) return "frozen";
    brush.drawImage(video, 0, 0, 8, 8);
    const [red = 0, green = 0, blue = 0] = brush.getImageData(4, 4, 1, 1).data;
    return [red, green, blue] as const;
  });

  const sounds = elements("audio").map((audio) => {
    const [track] = (audio.srcObject as MediaStream).getAudioTracks();
    if (track === undefined || audio.paused || audio.muted) return { rate: context.sampleRate, samples: [] };
    let ear = ears.get(track);
    if (ear === undefined) {
      ear = new AnalyserNode(context, { fftSize: 8192 });
      context.createMediaStreamSource(new MediaStream([track])).connect(ear);
      ears.set(track, ear);
    }
    const samples = new Float32Array(ear.fftSize);
    ear.getFloatTimeDomainData(samples);
    return { rate: context.sampleRate, samples: [...samples] };
  });
  return { pictures, sounds };
}

/** What `page` plays of the participant with this identity. */
export async function playing(page: Page, identity: string): Promise<Playing> {
  const { pictures, sounds } = await page.evaluate(readElements, { identity, frozenAfter: FROZEN_AFTER_MS });
  return {
    colours: pictures.map((picture) => (typeof picture === "string" ? picture : whoseColour(picture))).sort(),
    tones: sounds.map(({ rate, samples }) => whoseTone(samples, rate)).sort(),
  };
}
