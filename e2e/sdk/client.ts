import {
  AudioFrame,
  AudioSource,
  AudioStream,
  LocalAudioTrack,
  LocalVideoTrack,
  type RemoteTrack,
  Room,
  type RoomOptions,
  TrackKind,
  TrackPublishOptions,
  TrackSource,
  VideoBufferType,
  VideoCodec,
  VideoFrame,
  VideoSource,
  VideoStream,
} from "@livekit/rtc-node";

import { i420, meanOfI420, whoseColour } from "../harness/colour.ts";
import type { Person } from "../harness/people.ts";
import { present } from "../harness/present.ts";
import { sineGenerator, whoseTone } from "../harness/tone.ts";

const WIDTH = 320;
const HEIGHT = 180;
const SAMPLE_RATE = 48_000;
const FRAME_MS = 66;

/** A participant made of @livekit/rtc-node, with a colour and a tone to send, and eyes and ears for the others'. */
export class SdkClient {
  private readonly running = new Set<() => void>();
  private readonly seen = new Map<string, string>();
  private readonly heard = new Map<string, string>();
  private frames = 0;
  /** Whether the tone is silence for now. */
  hushed = false;

  private constructor(
    readonly room: Room,
    readonly person: Person,
  ) {
    room.on("trackSubscribed", (track, publication, participant) => {
      const key = `${participant.identity}/${publication.source === TrackSource.SOURCE_SCREENSHARE ? "screen" : "self"}`;
      void (track.kind === TrackKind.KIND_VIDEO ? this.watch(track, key) : this.listen(track, key));
    });
  }

  static async join(
    url: string,
    token: string,
    person: Person,
    options?: Partial<RoomOptions>,
  ): Promise<SdkClient> {
    const client = new SdkClient(new Room(), person);
    await client.room.connect(url, token, { autoSubscribe: true, dynacast: false, ...options });
    return client;
  }

  get local(): NonNullable<Room["localParticipant"]> {
    if (this.room.localParticipant === undefined) throw new Error(`${this.person.name} is not connected`);
    return this.room.localParticipant;
  }

  /** Sends frames of the person's colour until the client leaves; returns the track's sid. */
  async sendColour(codec = VideoCodec.VP8, simulcast = false): Promise<string> {
    const source = new VideoSource(WIDTH, HEIGHT);
    const frame = new VideoFrame(i420(this.person, WIDTH, HEIGHT), WIDTH, HEIGHT, VideoBufferType.I420);
    const timer = setInterval(() => source.captureFrame(frame), FRAME_MS);
    this.running.add(() => clearInterval(timer));
    const track = LocalVideoTrack.createVideoTrack("camera", source);
    const options = new TrackPublishOptions({
      source: TrackSource.SOURCE_CAMERA,
      videoCodec: codec,
      simulcast,
    });
    return present((await this.local.publishTrack(track, options)).sid, "the track's sid");
  }

  /** Sends the person's tone until the client leaves; returns the track's sid. */
  async sendTone(): Promise<string> {
    const source = new AudioSource(SAMPLE_RATE, 1);
    const next = sineGenerator(this.person, SAMPLE_RATE);
    let sending = true;
    this.running.add(() => {
      sending = false;
    });
    void (async () => {
      const count = SAMPLE_RATE / 50;
      while (sending) {
        const samples = this.hushed ? new Int16Array(count) : next(count);
        await source.captureFrame(new AudioFrame(samples, SAMPLE_RATE, 1, count));
      }
    })();
    const track = LocalAudioTrack.createAudioTrack("microphone", source);
    const options = new TrackPublishOptions({ source: TrackSource.SOURCE_MICROPHONE, dtx: false });
    return present((await this.local.publishTrack(track, options)).sid, "the track's sid");
  }

  /** Whose colour arrives on the video track of this participant now. */
  sees(identity: string): string {
    return this.seen.get(`${identity}/self`) ?? "nothing yet";
  }

  /** Whose tone arrives on the audio track of this participant now. */
  hears(identity: string): string {
    return this.heard.get(`${identity}/self`) ?? "nothing yet";
  }

  /** Decoded frames of all tracks so far. */
  get framesSeen(): number {
    return this.frames;
  }

  /** Forgets what was seen and heard, so that the next look is at fresh media. */
  forget(): void {
    this.seen.clear();
    this.heard.clear();
  }

  /** Identities of the others, sorted. */
  others(): string[] {
    return [...this.room.remoteParticipants.keys()].sort();
  }

  async leave(): Promise<void> {
    for (const stop of this.running) stop();
    await this.room.disconnect();
  }

  private async watch(track: RemoteTrack, key: string): Promise<void> {
    for await (const { frame } of new VideoStream(track)) {
      const { data, width, height } =
        frame.type === VideoBufferType.I420 ? frame : frame.convert(VideoBufferType.I420);
      this.frames += 1;
      this.seen.set(key, whoseColour(meanOfI420(data, width, height)));
    }
  }

  private async listen(track: RemoteTrack, key: string): Promise<void> {
    const window = new Float32Array(SAMPLE_RATE / 5);
    let filled = 0;
    for await (const frame of new AudioStream(track, SAMPLE_RATE, 1)) {
      for (const sample of frame.data) {
        window[filled] = sample / 32_768;
        filled += 1;
        if (filled < window.length) continue;
        this.heard.set(key, whoseTone(window, SAMPLE_RATE));
        filled = 0;
      }
    }
  }
}
