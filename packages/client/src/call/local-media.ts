import {
  createLocalAudioTrack,
  createLocalVideoTrack,
  type LocalAudioTrack,
  type LocalTrack,
  type LocalVideoTrack,
  type Room,
  RoomEvent,
  Track,
  TrackEvent,
  type TrackPublication,
  VideoPresets,
} from "livekit-client";
import { Cell } from "../state/behavior";
import type { LocalMediaState, MediaChoice, MediaFault } from "./media-state";
import { videoSource } from "./room-view";
import { layerInTime, openScreen, type ShareDetail, surfaceOf } from "./screen-share";

type Device = "microphone" | "camera";

/**
 * Microphone, camera and shared screen of this page. They belong to the page and not to a
 * connection: a new room gets the same tracks, so an outage closes neither camera nor share.
 */
export class LocalMedia {
  readonly state: Cell<LocalMediaState>;
  private room: Room | null = null;
  private tracks: { microphone: LocalAudioTrack | null; camera: LocalVideoTrack | null } = {
    microphone: null,
    camera: null,
  };
  private screens: LocalTrack[] = [];
  private work: Record<Device, Promise<void>> = { microphone: Promise.resolve(), camera: Promise.resolve() };
  private disposed = false;
  /** Being muted by ourselves right now. */
  private readonly muting = new Set<Device>();
  private ids: Record<Device, string | null>;

  constructor(choice: MediaChoice) {
    this.ids = { microphone: choice.microphoneId, camera: choice.cameraId };
    this.state = new Cell<LocalMediaState>({
      microphoneOn: choice.microphoneOn,
      cameraOn: choice.cameraOn,
      microphoneBusy: false,
      cameraBusy: false,
      camera: null,
      screen: null,
      surface: null,
      replaced: null,
      fault: null,
    });
  }

  /** The devices in use, by `deviceId`. */
  get devices(): Readonly<Record<Device, string | null>> {
    return this.ids;
  }

  /** The sound that goes out, for a level meter. */
  get microphoneTrack(): MediaStreamTrack | null {
    return this.tracks.microphone?.mediaStreamTrack ?? null;
  }

  /** Opens the chosen devices; safe to call before there is a room. */
  open(): void {
    this.settle("microphone");
    this.settle("camera");
  }

  /** Hands everything to a freshly connected room. */
  bind(room: Room): void {
    if (this.room !== room)
      room.on(RoomEvent.TrackMuted, (publication) => this.mutedFromOutside(publication));
    this.room = room;
    this.open();
    for (const track of this.screens) void this.publish(track);
  }

  /** The room is gone; tracks go on living. */
  unbind(): void {
    this.room = null;
  }

  setMicrophone(on: boolean): void {
    this.state.update((state) => ({ ...state, microphoneOn: on, fault: null }));
    this.settle("microphone");
  }

  setCamera(on: boolean): void {
    this.state.update((state) => ({ ...state, cameraOn: on, fault: null }));
    this.settle("camera");
  }

  clearFault(): void {
    this.state.update((state) => (state.fault === null ? state : { ...state, fault: null }));
  }

  /** The person knows that another device took over. */
  replacementRead(): void {
    this.state.update((state) => (state.replaced === null ? state : { ...state, replaced: null }));
  }

  /** Goes on with another device; one that is off opens with it next time. */
  async choose(device: Device, id: string): Promise<void> {
    this.ids[device] = id;
    const track = this.tracks[device];
    if (track === null) return;
    try {
      await track.setDeviceId(id);
    } catch (error) {
      this.fail(device, error);
    }
  }

  async startShare(detail: ShareDetail): Promise<void> {
    if (this.screens.length > 0) return;
    const opened = await openScreen(detail);
    if ("fault" in opened) {
      this.state.update((state) => ({ ...state, fault: opened.fault }));
      return;
    }
    this.screens = opened.tracks;
    // Left, while the browser's picker was open.
    if (this.disposed) return this.stopShare();
    for (const track of opened.tracks) {
      // The browser's own "Stop sharing" ends the track behind our back.
      track.mediaStreamTrack.addEventListener("ended", () => this.stopShare(), { once: true });
      void this.publish(track);
    }
    const video = opened.tracks.find((track) => track.kind === Track.Kind.Video);
    const screen = video === undefined ? null : videoSource(video);
    this.state.update((state) => ({ ...state, screen, surface: surfaceOf(video), fault: null }));
  }

  stopShare(): void {
    const tracks = this.screens;
    this.screens = [];
    for (const track of tracks) {
      void this.room?.localParticipant.unpublishTrack(track, true);
      track.stop();
    }
    this.state.update((state) => (state.screen === null ? state : { ...state, screen: null, surface: null }));
  }

  dispose(): void {
    this.disposed = true;
    this.stopShare();
    this.tracks.microphone?.stop();
    this.tracks.camera?.stop();
    this.tracks = { microphone: null, camera: null };
    this.room = null;
  }

  /** Brings a device to the wanted state, one step after the other. */
  private settle(device: Device): void {
    this.work[device] = this.work[device].then(() => this.apply(device));
  }

  private wanted(device: Device): boolean {
    const state = this.state.value;
    return device === "microphone" ? state.microphoneOn : state.cameraOn;
  }

  private async apply(device: Device): Promise<void> {
    if (this.disposed) return;
    try {
      if (this.wanted(device)) await this.turnOn(device);
      else await this.turnOff(device);
    } catch (error) {
      this.fail(device, error);
    }
    this.showCamera();
  }

  private async turnOn(device: Device): Promise<void> {
    let track: LocalAudioTrack | LocalVideoTrack | null = this.tracks[device];
    if (track !== null && track.mediaStreamTrack.readyState === "ended" && track.sender === undefined) {
      // Not in a room and its device closed: a fresh one is simpler than waking it.
      track = this.drop(device);
    }
    if (track === null) {
      this.busy(device, true);
      track = await this.create(device);
      this.busy(device, false);
      if (this.disposed) return void track.stop();
    }
    if (track.isMuted) await track.unmute();
    this.showCamera();
    await this.publish(track);
  }

  private async turnOff(device: Device): Promise<void> {
    const track = this.tracks[device];
    if (track === null) return;
    const published = track.sender !== undefined;
    this.muting.add(device);
    if (!track.isMuted) await track.mute();
    this.muting.delete(device);
    // A camera that is off when a new room begins is opened anew once it is wanted.
    if (device === "camera" && !published) this.drop(device);
    else if (device === "microphone") await this.publish(track);
  }

  private async create(device: Device): Promise<LocalAudioTrack | LocalVideoTrack> {
    const id = this.ids[device];
    const deviceId = id === null ? {} : { deviceId: { ideal: id } };
    if (device === "microphone") {
      const processing = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
      const track = await createLocalAudioTrack({ ...deviceId, ...processing });
      this.tracks.microphone = track;
      this.followReplacement(device, track);
      return track;
    }
    const track = await createLocalVideoTrack({ ...deviceId, resolution: VideoPresets.h720.resolution });
    this.tracks.camera = track;
    this.followReplacement(device, track);
    return track;
  }

  /** livekit-client goes on with the system's device when one is unplugged; the person has to hear of it. */
  private followReplacement(device: Device, track: LocalAudioTrack | LocalVideoTrack): void {
    let gone = false;
    track.on(TrackEvent.Ended, () => {
      gone = this.wanted(device);
    });
    track.on(TrackEvent.Restarted, () => {
      if (!gone || this.tracks[device] !== track) return;
      gone = false;
      const replaced = { device, label: track.mediaStreamTrack.label };
      this.state.update((state) => ({ ...state, replaced }));
      this.showCamera();
    });
  }

  private drop(device: Device): null {
    this.tracks[device]?.stop();
    this.tracks[device] = null;
    return null;
  }

  private async publish(own: LocalTrack | LocalAudioTrack | LocalVideoTrack): Promise<void> {
    // The SDK's classes are subtypes in fact, but not under `exactOptionalPropertyTypes`.
    const track = own as LocalTrack;
    const room = this.room;
    if (room === null) return;
    const already = room.localParticipant
      .getTrackPublications()
      .some((publication) => publication.track === track);
    if (already) return;
    try {
      await room.localParticipant.publishTrack(track, {
        source: track.source,
        simulcast: track.source === Track.Source.Camera,
      });
      if (track.source === Track.Source.ScreenShare) await layerInTime(track);
    } catch (error) {
      // The line broke meanwhile: the next room gets the track. Anything else is a real fault.
      if (this.room === room && room.state === "connected") throw error;
    }
  }

  private showCamera(): void {
    const track = this.wanted("camera") ? this.tracks.camera : null;
    const shown = track === null || track.isMuted ? null : videoSource(track);
    this.state.update((state) => (state.camera === shown ? state : { ...state, camera: shown }));
  }

  /** Muted though wanted: by the host, or because the device was unplugged and no other took its place. */
  private mutedFromOutside(publication: TrackPublication): void {
    const device = publication.track === this.tracks.microphone ? "microphone" : "camera";
    const track = this.tracks[device];
    if (track === null || publication.track !== track || this.muting.has(device) || !this.wanted(device))
      return;
    const unplugged = track.mediaStreamTrack.readyState === "ended";
    if (device === "microphone") {
      const fault = unplugged ? "microphone-failed" : "microphone-muted-by-host";
      this.state.update((state) => ({ ...state, microphoneOn: false, fault }));
    } else {
      // A muted camera is always a closed one, so only the time tells; the person can open it again.
      this.state.update((state) => ({ ...state, cameraOn: false, fault: "camera-stopped-by-host" }));
    }
    this.showCamera();
  }

  private busy(device: Device, busy: boolean): void {
    const field = device === "microphone" ? "microphoneBusy" : "cameraBusy";
    this.state.update((state) => ({ ...state, [field]: busy }));
  }

  private fail(device: Device, error: unknown): void {
    const blocked = error instanceof Error && error.name === "NotAllowedError";
    const fault: MediaFault = `${device}-${blocked ? "blocked" : "failed"}`;
    const off =
      device === "microphone"
        ? { microphoneOn: false, microphoneBusy: false }
        : { cameraOn: false, cameraBusy: false };
    this.state.update((state) => ({ ...state, ...off, fault }));
  }
}
