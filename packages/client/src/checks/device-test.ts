import { Device } from "../prejoin/device";
import type { Capture, DeviceKind, DevicePort, OpenLevelMeter } from "../prejoin/ports";
import { type CheckResult, passed, warned } from "./check";
import { judgeFault } from "./judge";

/** Below this there is no sound at all, in dB below full scale. */
const SOUND_DB = -75;
const LISTEN_MS = 3_000;
const LOOK_MS = 100;

/** Opens a device as a call would, and closes it again. */
export async function testDevice(
  kind: DeviceKind,
  wishedId: string | null,
  ports: { readonly devices: DevicePort; readonly openLevelMeter: OpenLevelMeter },
  signal: AbortSignal,
): Promise<CheckResult> {
  const device = new Device(kind, ports.devices, wishedId, () => undefined);
  await device.start();
  const state = device.state.value;
  try {
    if (state.status === "fault") return judgeFault(state.fault);
    if (state.status !== "on") return judgeFault("failed");
    const values = { device: state.capture.stream.getTracks()[0]?.label ?? "" };
    const heard = kind === "camera" || (await hears(state.capture, ports.openLevelMeter, signal));
    return heard ? passed("deviceGood", values) : warned("microphoneSilent", values);
  } finally {
    device.stop();
  }
}

/** Whether anything comes from the microphone; yes, too, where the browser lets no page listen before a press. */
async function hears(capture: Capture, open: OpenLevelMeter, signal: AbortSignal): Promise<boolean> {
  const meter = open(capture.stream);
  try {
    for (let passedMs = 0; passedMs < LISTEN_MS && !signal.aborted; passedMs += LOOK_MS) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
      if (meter.peakDb() > SOUND_DB) return true;
    }
    return !meter.awake();
  } finally {
    meter.close();
  }
}
