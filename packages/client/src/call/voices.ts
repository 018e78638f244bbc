import { type Room, Track } from "livekit-client";
import type { LocalMedia } from "./local-media";
import type { People } from "./people";
import type { Voice } from "./silence";

/** Open microphones that ought to be heard, one's own included. */
export function openMicrophones(room: Room, selfId: string, media: LocalMedia, people: People): Voice[] {
  // Sound that the browser holds back has no energy either.
  if (people.soundBlocked.value) return [];
  const others: Voice[] = [...room.remoteParticipants.values()].flatMap((participant) => {
    const microphone = participant.getTrackPublication(Track.Source.Microphone);
    const track = microphone?.isMuted === false ? microphone.track?.mediaStreamTrack.id : undefined;
    return track === undefined ? [] : [{ id: participant.identity, track, device: null }];
  });
  const own = media.state.value.microphoneOn ? media.microphoneTrack : null;
  if (own === null) return others;
  const device = own.readyState === "ended" ? "ended" : own.muted ? "muted" : "live";
  return [...others, { id: selfId, track: own.id, device }];
}
