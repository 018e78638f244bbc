import { type Room, Track } from "livekit-client";
import { type LineSample, sampleOf } from "./line-stats";

/** The peer connections of a room: one for both directions, or one for each. */
function transportsOf(room: Room) {
  // Marked internal by livekit-client, and the only way to its statistics: absent is treated as "nothing known".
  const manager = (room as Partial<Room>).engine?.pcManager;
  return manager === undefined ? [] : [manager.publisher, manager.subscriber].flatMap((one) => one ?? []);
}

/** A look at the line of a room; `null` where there is none to look at. */
export async function sampleRoom(room: Room, now: number): Promise<LineSample | null> {
  const transports = transportsOf(room);
  if (transports.length === 0) return null;
  const reports = await Promise.all(
    transports.map((transport) => transport.getStats()?.catch(() => undefined)),
  );
  const known = reports.flatMap((report) => (report === undefined ? [] : [report as Map<string, unknown>]));
  return known.length === 0 ? null : sampleOf(known, now, mutedTracks(room));
}

function mutedTracks(room: Room): ReadonlySet<string> {
  const muted = room.localParticipant.getTrackPublications().filter(({ isMuted }) => isMuted);
  return new Set(muted.flatMap(({ track }) => track?.mediaStreamTrack.id ?? []));
}

/** The browser itself says that nothing gets through. */
export function transportBroken(room: Room): boolean {
  return transportsOf(room).some((transport) =>
    ["disconnected", "failed"].includes(transport.getConnectionState()),
  );
}

/** Somebody is subscribed to whose packets should be arriving all the time. */
export function expectsMedia(room: Room): boolean {
  return [...room.remoteParticipants.values()].some((participant) =>
    participant
      .getTrackPublications()
      .some(
        (publication) =>
          publication.isSubscribed &&
          !publication.isMuted &&
          publication.source !== Track.Source.ScreenShareAudio,
      ),
  );
}
