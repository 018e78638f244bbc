import {
  createLocalAudioTrack,
  createLocalScreenTracks,
  createLocalVideoTrack,
  type LocalAudioTrack,
  type LocalTrack,
  type LocalVideoTrack,
  type Room,
  Track,
  VideoPresets,
} from "livekit-client";
import { Cell } from "../state/behavior";
import type { VideoSource } from "./participants";
import { videoSource } from "./room-view";

/** Why a device or a screen could not be used; `null` while all is well. */
export type MediaFault =
  | "microphone-blocked"
  | "microphone-failed"
  | "camera-blocked"
  | "camera-failed"
  | "share-blocked"
  | "share-failed";

export interface LocalMediaState {
  /** What the person wants; shown at once, the device follows. */
  microphoneOn: boolean;
  cameraOn: boolean;
  /** The device is being opened. */
  microphoneBusy: boolean;
  cameraBusy: boolean;
  camera: VideoSource | null;
  screen: VideoSource | null;
  fault: MediaFault | null;
}

export interface MediaChoice {
  microphoneOn: boolean;
  cameraOn: boolean;
  microphoneId: string | null;
  cameraId: string | null;
}

export type ShareDetail = "text" | "motion";

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
    try {
      const tracks = await createLocalScreenTracks({
        audio: true,
        contentHint: detail === "text" ? "text" : "motion",
        resolution: { width: 1920, height: 1080, frameRate: detail === "text" ? 15 : 30 },
        selfBrowserSurface: "exclude",
        surfaceSwitching: "include",
        systemAudio: "include",
      });
      if (this.disposed) {
        for (const track of tracks) track.stop();
        return;
      }
      this.screens = tracks;
      for (const track of tracks) {
        // The browser's own "Stop sharing" ends the track behind our back.
        track.mediaStreamTrack.addEventListener("ended", () => this.stopShare(), { once: true });
        void this.publish(track);
      }
      const video = tracks.find((track) => track.kind === Track.Kind.Video);
      this.state.update((state) => ({ ...state, screen: video ? videoSource(video) : null, fault: null }));
    } catch (error) {
      const fault = shareFault(error);
      if (fault !== null) this.state.update((state) => ({ ...state, fault }));
    }
  }

  stopShare(): void {
    const tracks = this.screens;
    this.screens = [];
    for (const track of tracks) {
      void this.room?.localParticipant.unpublishTrack(track, true);
      track.stop();
    }
    this.state.update((state) => (state.screen === null ? state : { ...state, screen: null }));
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
    if (!track.isMuted) await track.mute();
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
      return track;
    }
    const track = await createLocalVideoTrack({ ...deviceId, resolution: VideoPresets.h720.resolution });
    this.tracks.camera = track;
    return track;
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

/** Closing the browser's picker is a decision, not a fault; a refusal by the system is one. */
function shareFault(error: unknown): MediaFault | null {
  if (!(error instanceof Error)) return "share-failed";
  if (error.name !== "NotAllowedError" && error.name !== "AbortError") return "share-failed";
  return /system/iu.test(error.message) ? "share-blocked" : null;
}
