import { type Room, Track } from "livekit-client";
import type { Voice } from "./line-monitor";
import type { LocalMedia } from "./local-media";
import type { People } from "./people";

/** Open microphones that ought to be heard, one's own included. */
export function openMicrophones(room: Room, selfId: string, media: LocalMedia, people: People): Voice[] {
  // Sound that the browser holds back has no energy either.
  if (people.soundBlocked.value) return [];
  const others = [...room.remoteParticipants.values()].flatMap((participant) => {
    const microphone = participant.getTrackPublication(Track.Source.Microphone);
    const track = microphone?.isMuted === false ? microphone.track?.mediaStreamTrack.id : undefined;
    return track === undefined ? [] : [{ id: participant.identity, track }];
  });
  const own = media.state.value.microphoneOn ? media.microphoneTrack?.id : undefined;
  return own === undefined ? others : [...others, { id: selfId, track: own }];
}
