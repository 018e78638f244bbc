import { ConnectionQuality, type Participant, Track } from "livekit-client";
import { expect, test } from "vitest";
import { participantView } from "./room-view";

/** Somebody whose camera is on, and whose pictures come or are held back by the server. */
function somebody(streamState: Track.StreamState): Participant {
  const camera = { isMuted: false, track: { streamState } };
  return {
    identity: "ben",
    name: "Ben",
    joinedAt: new Date(1),
    isSpeaking: false,
    connectionQuality: ConnectionQuality.Good,
    getTrackPublication: (source: Track.Source) => (source === Track.Source.Camera ? camera : undefined),
  } as unknown as Participant;
}

test("a picture that the server holds back is known as such, and stays on the tile", () => {
  expect(participantView(somebody(Track.StreamState.Active), false).paused).toBe(false);
  const held = participantView(somebody(Track.StreamState.Paused), false);
  expect([held.paused, held.cameraOn, held.camera === null]).toEqual([true, true, false]);
  expect(participantView(somebody(Track.StreamState.Paused), true).paused).toBe(false);
});
