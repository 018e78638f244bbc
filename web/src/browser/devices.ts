import type {
  Capture,
  CaptureWish,
  DeviceKind,
  DeviceList,
  DevicePort,
  PermissionState,
} from "@heydok/client";

/** 720p is plenty for a preview and what the call sends at most. */
const PICTURE = { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30 } };

const permissionNames: Record<DeviceKind, string> = { camera: "camera", microphone: "microphone" };

/** Cameras and microphones of this browser. */
export const browserDevices: DevicePort = {
  get available() {
    return window.isSecureContext && navigator.mediaDevices !== undefined;
  },

  async open(wish: CaptureWish) {
    if (!browserDevices.available) throw new DOMException("no media devices here", "NotSupportedError");
    const stream = await navigator.mediaDevices.getUserMedia({
      ...(wish.camera === undefined ? {} : { video: { ...PICTURE, ...exactly(wish.camera) } }),
      ...(wish.microphone === undefined ? {} : { audio: exactly(wish.microphone) }),
    });
    const [video] = stream.getVideoTracks();
    const [audio] = stream.getAudioTracks();
    return {
      ...(video ? { camera: captureOf(video) } : {}),
      ...(audio ? { microphone: captureOf(audio) } : {}),
    };
  },

  async list(): Promise<DeviceList> {
    if (!browserDevices.available) return { cameras: [], microphones: [], speakers: [] };
    const devices = await navigator.mediaDevices.enumerateDevices();
    const ofKind = (kind: MediaDeviceKind) =>
      devices
        // Chromium lists the system's choice by name and as "default", and once more for calls; one of these is enough.
        .filter((device) => device.kind === kind && device.deviceId !== "communications")
        .map((device) => ({ id: device.deviceId, label: device.label }));
    return {
      cameras: ofKind("videoinput"),
      microphones: ofKind("audioinput"),
      speakers: ofKind("audiooutput"),
    };
  },

  async permission(kind): Promise<PermissionState> {
    try {
      const status = await navigator.permissions.query({ name: permissionNames[kind] as PermissionName });
      return status.state;
    } catch {
      // Firefox and Safari know these names only in newer versions.
      return "unknown";
    }
  },

  allowedByFrame(kind) {
    const policy = (document as { featurePolicy?: { allowsFeature(name: string): boolean } }).featurePolicy;
    return policy?.allowsFeature(permissionNames[kind]) ?? true;
  },

  onChange(listener) {
    const stops = [
      listen(window, "focus", listener),
      listen(document, "visibilitychange", listener),
      navigator.mediaDevices ? listen(navigator.mediaDevices, "devicechange", listener) : () => undefined,
      watchPermissions(listener),
    ];
    return () => {
      for (const stop of stops) stop();
    };
  },
};

function exactly(deviceId: string | null): MediaTrackConstraints {
  return deviceId === null ? {} : { deviceId: { exact: deviceId } };
}

function captureOf(track: MediaStreamTrack): Capture {
  return {
    stream: new MediaStream([track]),
    deviceId: track.getSettings().deviceId ?? null,
    stop: () => track.stop(),
    onGone: (gone) => track.addEventListener("ended", gone, { once: true }),
  };
}

function listen(target: EventTarget, type: string, listener: () => void): () => void {
  target.addEventListener(type, listener);
  return () => target.removeEventListener(type, listener);
}

function watchPermissions(listener: () => void): () => void {
  const stops: (() => void)[] = [];
  let stopped = false;
  for (const name of Object.values(permissionNames)) {
    navigator.permissions
      ?.query({ name: name as PermissionName })
      .then((status) => {
        if (!stopped) stops.push(listen(status, "change", listener));
      })
      .catch(() => undefined);
  }
  return () => {
    stopped = true;
    for (const stop of stops) stop();
  };
}
