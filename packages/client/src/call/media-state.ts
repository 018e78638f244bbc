import type { VideoSource } from "./participants";

/** Why a device or a screen could not be used; `null` while all is well. */
export type MediaFault =
  | "microphone-blocked"
  | "microphone-failed"
  | "camera-blocked"
  | "camera-failed"
  | "share-blocked"
  | "share-failed"
  /** Somebody with the right to do so closed it. */
  | "microphone-muted-by-host"
  | "camera-stopped-by-host";

/** What of the computer is shared; `null` where the browser does not tell. */
export type ShareSurface = "monitor" | "window" | "browser" | null;

/** A device was unplugged and another one took its place. */
export interface Replacement {
  readonly device: "microphone" | "camera";
  /** Name of the device in use now; empty where the browser does not tell. */
  readonly label: string;
}

export interface LocalMediaState {
  /** What the person wants; shown at once, the device follows. */
  microphoneOn: boolean;
  cameraOn: boolean;
  /** The device is being opened. */
  microphoneBusy: boolean;
  cameraBusy: boolean;
  camera: VideoSource | null;
  screen: VideoSource | null;
  surface: ShareSurface;
  replaced: Replacement | null;
  fault: MediaFault | null;
}

export interface MediaChoice {
  microphoneOn: boolean;
  cameraOn: boolean;
  microphoneId: string | null;
  cameraId: string | null;
}
