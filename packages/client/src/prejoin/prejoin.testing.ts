import { vi } from "vitest";
import type { MeetingProblem } from "../meeting/problem";
import { PreferencesViewModel } from "../preferences/preferences";
import { Cell } from "../state/behavior";
import { memoryStore, settle } from "../testing";
import type { Capture, CaptureWish, DeviceKind, DeviceList, DevicePort, PermissionState } from "./ports";
import { type Door, PreJoinViewModel } from "./prejoin";

/** A browser with devices: each kind works, or fails with the browser's error name. */
export class FakeDevices implements DevicePort {
  available = true;
  readonly errors: Partial<Record<DeviceKind, string>> = {};
  readonly permissions: Record<DeviceKind, PermissionState> = { camera: "prompt", microphone: "prompt" };
  readonly wishes: CaptureWish[] = [];
  readonly running = new Set<string>();
  present = ["cam-1", "mic-1"];
  inFrame = true;
  #changed: () => void = () => undefined;
  #gone: (() => void)[] = [];

  async open(wish: CaptureWish) {
    this.wishes.push(wish);
    const opened: Partial<Record<DeviceKind, Capture>> = {};
    for (const kind of ["camera", "microphone"] as const) {
      const id = wish[kind];
      if (id === undefined) continue;
      const error = this.errors[kind];
      if (error) throw new DOMException("no", error);
      if (id !== null && !this.present.includes(id)) throw new DOMException("gone", "OverconstrainedError");
      opened[kind] = this.#capture(id ?? (kind === "camera" ? "cam-1" : "mic-1"));
    }
    return opened;
  }

  #capture(deviceId: string): Capture {
    this.running.add(deviceId);
    return {
      stream: {} as MediaStream,
      deviceId,
      stop: () => void this.running.delete(deviceId),
      onGone: (listener) => void this.#gone.push(listener),
    };
  }

  list = (): Promise<DeviceList> =>
    Promise.resolve({
      cameras: this.present.filter((id) => id.startsWith("cam")).map((id) => ({ id, label: id })),
      microphones: this.present.filter((id) => id.startsWith("mic")).map((id) => ({ id, label: id })),
      speakers: [],
    });

  permission = (kind: DeviceKind) => Promise.resolve(this.permissions[kind]);
  allowedByFrame = () => this.inFrame;

  onChange(listener: () => void) {
    this.#changed = listener;
    return () => {
      this.#changed = () => undefined;
    };
  }

  async change(): Promise<void> {
    this.#changed();
    await settle();
  }

  async unplug(): Promise<void> {
    for (const gone of this.#gone.splice(0)) gone();
    await settle();
  }
}

export interface Setup {
  readonly stored?: Record<string, unknown>;
  readonly prefilled?: string;
  readonly problem?: MeetingProblem | null;
  readonly password?: boolean;
  readonly prepare?: (devices: FakeDevices) => void;
}

/** The view model on fake devices, begun. */
export async function preJoin({
  stored = {},
  prefilled,
  problem = null,
  password = false,
  prepare,
}: Setup = {}) {
  const devices = new FakeDevices();
  prepare?.(devices);
  const online = new Cell(true);
  let peak = -100;
  const store = memoryStore({ "heydok.preferences": JSON.stringify(stored) });
  const preferences = new PreferencesViewModel(store, ["en"]);
  const join = vi.fn<Door["join"]>(() => Promise.resolve(problem));
  const ports = {
    devices,
    speaker: { selectable: true, playTone: () => Promise.resolve() },
    openLevelMeter: () => ({ peakDb: () => peak, awake: () => true, close: () => undefined }),
    network: { online },
  };
  const passwordWanted = new Cell(password);
  const inOtherTab = new Cell(false);
  const model = new PreJoinViewModel(ports, preferences, prefilled ?? null, {
    passwordWanted,
    inOtherTab,
    join,
  });
  model.begin();
  await settle();
  const speak = (db: number) => {
    peak = db;
  };
  return { model, devices, online, join, preferences, speak, passwordWanted, inOtherTab };
}

export function faultOf(model: PreJoinViewModel, kind: DeviceKind): string {
  const state = model[kind].state.value;
  return state.status === "fault" ? state.fault : state.status;
}
