/** The browser as the pre-join view models see it. A fake of these interfaces drives every state in tests. */

export type DeviceKind = "camera" | "microphone";

export interface DeviceInfo {
  readonly id: string;
  /** Empty until the browser may tell it. */
  readonly label: string;
}

export interface DeviceList {
  readonly cameras: readonly DeviceInfo[];
  readonly microphones: readonly DeviceInfo[];
  readonly speakers: readonly DeviceInfo[];
}

/** An open camera or microphone. */
export interface Capture {
  readonly stream: MediaStream;
  readonly deviceId: string | null;
  stop(): void;
  /** Calls back once if the device goes away by itself (unplugged, taken by the system). */
  onGone(listener: () => void): void;
}

export type PermissionState = "granted" | "denied" | "prompt" | "unknown";

export interface DevicePort {
  /** False on plain http and in browsers without media devices. */
  readonly available: boolean;
  /** Asks for one kind, or for both with a single question. Rejects with the browser's error. */
  open(wish: CaptureWish): Promise<Partial<Record<DeviceKind, Capture>>>;
  list(): Promise<DeviceList>;
  permission(kind: DeviceKind): Promise<PermissionState>;
  /** False where the page that embeds this one keeps the device from it. */
  allowedByFrame(kind: DeviceKind): boolean;
  /** Calls back when devices come and go, permissions change, or the page gets the focus. */
  onChange(listener: () => void): () => void;
}

/** `null` asks for the system's choice; a missing kind is not asked for. */
export interface CaptureWish {
  readonly camera?: string | null;
  readonly microphone?: string | null;
}

/** Measures a microphone. */
export interface LevelMeter {
  /** Loudest sample since the last call, in dB below full scale (0 is the loudest, −100 silence). */
  peakDb(): number;
  /** Whether it measures already: some browsers keep it asleep until the page is touched. */
  awake(): boolean;
  close(): void;
}

export type OpenLevelMeter = (stream: MediaStream) => LevelMeter;

export interface SpeakerPort {
  /** False where the browser plays through the system's choice only. */
  readonly selectable: boolean;
  /** Plays the test tone; resolves when it is over. */
  playTone(deviceId: string | null): Promise<void>;
}
