// A participant in a process of its own, so that it can be killed: `node vanishing-client.mjs <url> <token>`.
import {
  AudioFrame,
  AudioSource,
  LocalAudioTrack,
  Room,
  TrackPublishOptions,
  TrackSource,
} from "@livekit/rtc-node";

const [url, token] = process.argv.slice(2);
const room = new Room();
await room.connect(url, token, { autoSubscribe: true, dynacast: false });
const source = new AudioSource(48_000, 1);
const track = LocalAudioTrack.createAudioTrack("microphone", source);
await room.localParticipant.publishTrack(
  track,
  new TrackPublishOptions({ source: TrackSource.SOURCE_MICROPHONE }),
);
process.stdout.write("published\n");
for (;;) await source.captureFrame(AudioFrame.create(48_000, 1, 960));
