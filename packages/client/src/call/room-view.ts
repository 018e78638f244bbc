import {
  ConnectionQuality,
  type ElementInfo,
  type Participant,
  type RemoteTrackPublication,
  RemoteVideoTrack,
  type Room,
  RoomEvent,
  Track,
  type TrackPublication,
} from "livekit-client";
import type { ParticipantView, Quality, VideoSource } from "./participants";

const QUALITIES: Readonly<Record<ConnectionQuality, Quality>> = {
  [ConnectionQuality.Excellent]: "good",
  [ConnectionQuality.Good]: "good",
  [ConnectionQuality.Poor]: "weak",
  [ConnectionQuality.Lost]: "lost",
  [ConnectionQuality.Unknown]: "unknown",
};

/** The SDK's judgement in the words of the page. */
export function qualityOf(quality: ConnectionQuality): Quality {
  return QUALITIES[quality];
}

const sources = new WeakMap<Track, VideoSource>();
let sourceCount = 0;

/** The one {@link VideoSource} of a track, so that views can compare by identity. */
export function videoSource(track: Track): VideoSource {
  const known = sources.get(track);
  if (known !== undefined) return known;
  sourceCount += 1;
  const source: VideoSource = {
    key: `video-${sourceCount}`,
    attach: (element) => {
      track.attach(element);
      return () => void track.detach(element);
    },
    attachElsewhere: (element) => attachElsewhere(track, element),
  };
  sources.set(track, source);
  return source;
}

/**
 * livekit-client fetches a picture in the size of its elements and only while they are seen, and cannot see elements
 * of other windows. It counts them like picture-in-picture, which is never behind anything.
 */
function attachElsewhere(track: Track, element: HTMLVideoElement): () => void {
  element.srcObject = new MediaStream([track.mediaStreamTrack]);
  const empty = () => {
    element.srcObject = null;
  };
  if (!(track instanceof RemoteVideoTrack)) return empty;
  const info: ElementInfo = {
    element,
    width: () => element.clientWidth,
    height: () => element.clientHeight,
    visible: true,
    pictureInPicture: true,
    visibilityChangedAt: undefined,
    observe: () => undefined,
    stopObserving: () => undefined,
  };
  track.observeElementInfo(info);
  const view = element.ownerDocument.defaultView;
  const onResize = () => info.handleResize?.();
  view?.addEventListener("resize", onResize);
  return () => {
    view?.removeEventListener("resize", onResize);
    track.stopObservingElementInfo(info);
    empty();
  };
}

/** After any of these the picture of the room may be different. */
export const VIEW_EVENTS = [
  RoomEvent.ParticipantConnected,
  RoomEvent.ParticipantDisconnected,
  RoomEvent.ParticipantNameChanged,
  RoomEvent.TrackPublished,
  RoomEvent.TrackUnpublished,
  RoomEvent.TrackSubscribed,
  RoomEvent.TrackUnsubscribed,
  RoomEvent.TrackMuted,
  RoomEvent.TrackUnmuted,
  RoomEvent.TrackStreamStateChanged,
  RoomEvent.LocalTrackPublished,
  RoomEvent.LocalTrackUnpublished,
  RoomEvent.ActiveSpeakersChanged,
  RoomEvent.ConnectionQualityChanged,
] as const;

function live(publication: TrackPublication | undefined): VideoSource | null {
  const track = publication?.track;
  return track === undefined || publication?.isMuted === true ? null : videoSource(track);
}

function isOn(publication: TrackPublication | undefined): boolean {
  return publication !== undefined && !publication.isMuted;
}

/** The parts of a person's view that the room knows. */
export function participantView(participant: Participant, isLocal: boolean): ParticipantView {
  const camera = participant.getTrackPublication(Track.Source.Camera);
  const screen = participant.getTrackPublication(Track.Source.ScreenShare);
  const microphone = participant.getTrackPublication(Track.Source.Microphone);
  return {
    id: participant.identity,
    name: participant.name || participant.identity,
    isLocal,
    joinedAt: participant.joinedAt?.getTime() ?? 0,
    microphoneOn: isOn(microphone),
    cameraOn: isOn(camera),
    camera: live(camera),
    screen: live(screen),
    // Of a camera that is off the server tells nothing more.
    paused: !isLocal && isOn(camera) && camera?.track?.streamState === Track.StreamState.Paused,
    speaking: participant.isSpeaking && isOn(microphone),
    quality: qualityOf(participant.connectionQuality),
    stale: false,
  };
}

/** Everybody else in the room. */
export function remoteViews(room: Room): ParticipantView[] {
  return [...room.remoteParticipants.values()].map((participant) => participantView(participant, false));
}

/** Video is fetched for these people only; shared screens and sound always. */
export function subscribeTo(room: Room, visible: ReadonlySet<string>): void {
  for (const participant of room.remoteParticipants.values()) {
    const camera = participant.getTrackPublication(Track.Source.Camera) as RemoteTrackPublication | undefined;
    if (camera === undefined) continue;
    const wanted = visible.has(participant.identity);
    if (camera.isDesired !== wanted) camera.setSubscribed(wanted);
  }
}
