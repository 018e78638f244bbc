import {
  EngineEvent,
  RemoteParticipant,
  RemoteTrackPublication,
  RemoteVideoTrack,
  type Room,
  RoomEvent,
  Track,
} from "livekit-client";
import { expect, test } from "vitest";
import { makeRoom } from "./line";
import { remoteViews } from "./room-view";

/** `livekit.StreamState` and what a camera is in the protocol. */
const STATES = { active: 0, paused: 1 } as const;
const CAMERA = { sid: "TR_1", name: "camera", type: 1, source: 1, layers: [] };

type Step = keyof typeof STATES | "track" | "no track" | "off" | "on";

/** A real room with Ben in it, whose camera the steps make come and go. */
function play(steps: readonly Step[]) {
  const room: Room = makeRoom({ now: () => 0, random: () => 0 });
  const ben = new RemoteParticipant(room.engine.client, "PA_1", "ben", "Ben");
  const publication = new RemoteTrackPublication(Track.Kind.Video, CAMERA as never, true);
  publication.source = Track.Source.Camera;
  ben.trackPublications.set(publication.trackSid, publication);
  room.remoteParticipants.set(ben.identity, ben);
  // Private: which participant the server means.
  (room as unknown as { sidToIdentity: Map<string, string> }).sidToIdentity.set("PA_1", "ben");
  const come = () => {
    const media = Object.assign(new EventTarget(), {
      id: "media",
      kind: "video",
      enabled: true,
      stop: () => undefined,
    });
    const track = new RemoteVideoTrack(media as unknown as MediaStreamTrack, "TR_1", undefined as never, {});
    publication.setTrack(track);
    room.emit(RoomEvent.TrackSubscribed, track, publication, ben);
  };
  const go = () => {
    const track = publication.track as RemoteVideoTrack;
    publication.setTrack(undefined);
    room.emit(RoomEvent.TrackUnsubscribed, track, publication, ben);
  };
  for (const step of steps) {
    if (step === "track") come();
    else if (step === "no track") go();
    else if (step === "off" || step === "on")
      publication.updateInfo({ ...CAMERA, muted: step === "off" } as never);
    else {
      const streamStates = [{ participantSid: "PA_1", trackSid: "TR_1", state: STATES[step] }];
      room.engine.emit(EngineEvent.StreamStateChanged, { streamStates } as never);
    }
  }
  return remoteViews(room).map(({ id, paused }) => ({ id, paused }));
}

test.each<[string, readonly Step[], boolean]>([
  ["nothing is held back at first", ["track"], false],
  ["it is held back", ["track", "paused"], true],
  ["it comes again", ["track", "paused", "active"], false],
  ["it is held back before it has come", ["paused", "track"], true],
  ["that has passed before it came", ["paused", "active", "track"], false],
  ["it has not come at all", ["paused"], false],
  ["it was held back and is fetched anew", ["track", "paused", "no track", "track"], false],
  ["the camera is turned off meanwhile", ["track", "paused", "off"], false],
  ["and on again", ["track", "paused", "off", "on"], true],
])("a picture the server may hold back: %s", (_, steps, paused) => {
  expect(play(steps)).toEqual([{ id: "ben", paused }]);
});
