import {
  EngineEvent,
  type RemoteTrack,
  type RemoteTrackPublication,
  type Room,
  RoomEvent,
  Track,
} from "livekit-client";

/**
 * The server tells once that it holds a picture back, and that may be before the picture's track has come, when
 * livekit-client has nothing to note it on. Here it is kept until then.
 */
export function keepStreamStates(room: Room): void {
  const early = new Map<string, Track.StreamState>();
  room.engine.on(EngineEvent.StreamStateChanged, ({ streamStates }) => {
    for (const { trackSid, state } of streamStates) early.set(trackSid, Track.streamStateFromProto(state));
  });
  room.on(RoomEvent.TrackSubscribed, (track: RemoteTrack, { trackSid }: RemoteTrackPublication) => {
    const state = early.get(trackSid);
    if (state !== undefined) track.setStreamState(state);
  });
  // What comes anew is told anew.
  room.on(RoomEvent.TrackUnsubscribed, (_: RemoteTrack, { trackSid }: RemoteTrackPublication) => {
    early.delete(trackSid);
  });
  room.on(RoomEvent.TrackUnpublished, ({ trackSid }: RemoteTrackPublication) => void early.delete(trackSid));
}
