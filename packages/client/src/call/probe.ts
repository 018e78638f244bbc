import { type RemoteTrack, RemoteVideoTrack, Room, RoomEvent, Track } from "livekit-client";
import type { PathId } from "../checks/check";
import type { OpenProbe, Probe, ProbeFigures, ProbeRequest } from "../checks/ports";
import { isBusy, watchAttempt } from "./attempt";
import { detailsBetween, type LineSample } from "./line-stats";
import { sampleRoom } from "./transports";
import { restrictTo } from "./ways";

const SIGNAL_PATIENCE_MS = 8_000;
const NONE: ReadonlySet<PathId> = new Set();

/** Connects to a test room with livekit-client, as a call would, but over one way only if that is asked for. */
export const openProbe: OpenProbe = async (request) => {
  const began = performance.now();
  const room = new Room({ adaptiveStream: false, dynacast: false, disconnectOnPageLeave: true });
  restrictTo(room, request.policy);
  const close = () => void room.disconnect().catch(() => undefined);
  const attempt = watchAttempt(room);
  let signalMs: number | null = null;
  room.on(RoomEvent.SignalConnected, () => {
    signalMs ??= performance.now() - began;
  });
  request.signal.addEventListener("abort", close, { once: true });
  try {
    await connect(room, request);
  } catch (error) {
    close();
    if (signalMs !== null) return { failed: "media", signalMs, relays: attempt.relays ?? NONE };
    return { failed: (await isBusy(error, request.url, request.token)) ? "busy" : "signalling" };
  }
  const mediaMs = performance.now() - began;
  return new RoomProbe(room, signalMs ?? mediaMs, mediaMs, attempt.relays ?? NONE);
};

async function connect(room: Room, { url, token, patienceMs, signal }: ProbeRequest): Promise<void> {
  signal.throwIfAborted();
  await room.connect(url, token, {
    maxRetries: 0,
    websocketTimeout: SIGNAL_PATIENCE_MS,
    peerConnectionTimeout: patienceMs,
  });
  signal.throwIfAborted();
}

class RoomProbe implements Probe {
  private before: LineSample | null = null;
  private picture: TestPicture | null = null;

  constructor(
    private readonly room: Room,
    readonly signalMs: number,
    readonly mediaMs: number,
    readonly relays: ReadonlySet<PathId>,
  ) {}

  async publish(kbits: number): Promise<void> {
    this.picture ??= new TestPicture();
    await this.room.localParticipant.publishTrack(this.picture.track, {
      source: Track.Source.Camera,
      simulcast: false,
      videoCodec: "vp8",
      videoEncoding: { maxBitrate: kbits * 1_000, maxFramerate: TestPicture.FRAMES },
      degradationPreference: "maintain-resolution",
    });
  }

  async figures(): Promise<ProbeFigures> {
    const sample = await sampleRoom(this.room, Date.now());
    if (sample === null) return { up: null, down: null, loss: null, delay: null, route: null };
    const details = detailsBetween(this.before, sample);
    this.before = sample;
    const { lossUp, lossDown } = details;
    return {
      // A slow processor draws too few pictures to fill the line; then the browser's estimate of the line counts.
      up: sample.uploadLimited ? details.up : Math.max(details.up ?? 0, sample.estimateUp ?? 0),
      down: details.down,
      loss: lossUp === null && lossDown === null ? null : Math.max(lossUp ?? 0, lossDown ?? 0),
      delay: details.delay,
      route: details.route,
    };
  }

  async picturesFrom(): Promise<number> {
    const tracks = [...this.room.remoteParticipants.values()].map(
      (participant) => participant.getTrackPublication(Track.Source.Camera)?.track ?? firstVideo(participant),
    );
    const arrived = await Promise.all(tracks.map(hasPicture));
    return arrived.filter(Boolean).length;
  }

  close(): void {
    this.picture?.stop();
    void this.room.disconnect().catch(() => undefined);
  }
}

function firstVideo(participant: {
  getTrackPublications(): { kind: Track.Kind; track?: Track | undefined }[];
}): Track | undefined {
  return participant.getTrackPublications().find(({ kind }) => kind === Track.Kind.Video)?.track;
}

async function hasPicture(track: Track | RemoteTrack | undefined): Promise<boolean> {
  if (!(track instanceof RemoteVideoTrack)) return false;
  const stats = await track.getReceiverStats();
  return (stats?.framesDecoded ?? 0) > 0;
}

/** A moving picture that compresses badly, so that it takes what it may. Nobody looks at it. */
class TestPicture {
  static readonly FRAMES = 15;
  readonly track: MediaStreamTrack;
  private readonly timer: ReturnType<typeof setInterval>;

  constructor() {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [480, 270];
    const brush = canvas.getContext("2d");
    const noise = () => {
      if (brush === null) return;
      for (let spot = 0; spot < 200; spot += 1) {
        brush.fillStyle = `hsl(${Math.random() * 360} 80% ${20 + Math.random() * 60}%)`;
        brush.fillRect(Math.random() * canvas.width, Math.random() * canvas.height, 24, 24);
      }
    };
    noise();
    this.timer = setInterval(noise, 1_000 / TestPicture.FRAMES);
    const [track] = canvas.captureStream(TestPicture.FRAMES).getVideoTracks();
    if (track === undefined) throw new Error("a canvas has a picture");
    this.track = track;
  }

  stop(): void {
    clearInterval(this.timer);
    this.track.stop();
  }
}
