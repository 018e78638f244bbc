import { cleanDisplayName } from "../meeting/name";
import { asksPassword, type MeetingProblem } from "../meeting/problem";
import type { DeviceChoice, JoinAs } from "../meeting/types";
import type { PreferencesViewModel } from "../preferences/preferences";
import { type Behavior, Cell } from "../state/behavior";
import { Scope } from "../state/scope";
import { Device } from "./device";
import { type Level, LevelMonitor, NO_LEVEL } from "./level";
import type { DeviceKind, DeviceList, DevicePort, OpenLevelMeter, SpeakerPort } from "./ports";
import { SpeakerTestViewModel } from "./speaker";

export type JoinAttempt =
  | { readonly status: "idle" }
  | { readonly status: "joining" }
  /** Offline: goes on by itself when the network is back. */
  | { readonly status: "waiting" }
  | { readonly status: "failed"; readonly problem: MeetingProblem };

export interface PreJoinPorts {
  readonly devices: DevicePort;
  readonly speaker: SpeakerPort;
  readonly openLevelMeter: OpenLevelMeter;
  readonly network: NetworkPort;
}

export interface NetworkPort {
  readonly online: Behavior<boolean>;
}

/** The meeting as the form sees it. */
export interface Door {
  /** Whether joining needs the meeting's password; may change with an answer of the server. */
  readonly passwordWanted: Behavior<boolean>;
  /** Whether another tab of this browser is in the meeting. */
  readonly inOtherTab: Behavior<boolean>;
  /** Resolves to the problem that the form has to tell, if any. */
  join(devices: DeviceChoice, password: string | null, as: JoinAs): Promise<MeetingProblem | null>;
}

/** The fields of the form that may be wrong. */
export type JoinField = "name" | "password";

/** What is wrong with the password: nothing was typed, the server asked for one, or it knows another. */
export type PasswordFault = "missing" | "asked" | "wrong";

/** As many as the server takes when a meeting is made. */
export const MEETING_PASSWORD_CHARS_MAX = 64;

const IDLE: JoinAttempt = { status: "idle" };
const NO_DEVICES: DeviceList = { cameras: [], microphones: [], speakers: [] };

/** Everything a person sets before joining: name, password, camera, microphone, speaker. */
export class PreJoinViewModel {
  readonly camera: Device;
  readonly microphone: Device;
  readonly speakerTest: SpeakerTestViewModel;
  readonly #ports: PreJoinPorts;
  readonly #preferences: PreferencesViewModel;
  readonly #door: Door;
  readonly #scope = new Scope();
  readonly #name: Cell<string>;
  readonly #nameMissing = new Cell(false);
  readonly #password = new Cell("");
  readonly #passwordFault = new Cell<PasswordFault | null>(null);
  readonly #list = new Cell<DeviceList>(NO_DEVICES);
  readonly #level = new Cell<Level>(NO_LEVEL);
  readonly #attempt = new Cell<JoinAttempt>(IDLE);
  #as: JoinAs = "before";
  readonly #fellBack = new Cell<DeviceKind | null>(null);

  constructor(
    ports: PreJoinPorts,
    preferences: PreferencesViewModel,
    prefilledName: string | null,
    door: Door,
  ) {
    const stored = preferences.preferences.value;
    this.#ports = ports;
    this.#preferences = preferences;
    this.#door = door;
    this.#name = new Cell(cleanDisplayName(prefilledName ?? "") || stored.displayName);
    this.camera = new Device("camera", ports.devices, stored.cameraId, () => this.#fellBack.set("camera"));
    this.microphone = new Device("microphone", ports.devices, stored.microphoneId, () =>
      this.#fellBack.set("microphone"),
    );
    this.speakerTest = new SpeakerTestViewModel(ports.speaker);
  }

  get name(): Behavior<string> {
    return this.#name;
  }

  /** True after an attempt to join without a name. */
  get nameMissing(): Behavior<boolean> {
    return this.#nameMissing;
  }

  /** Whether the form has a field for the meeting's password. */
  get passwordWanted(): Behavior<boolean> {
    return this.#door.passwordWanted;
  }

  /** Whether to ask if this tab takes the place of another one or is one more device. */
  get inOtherTab(): Behavior<boolean> {
    return this.#door.inOtherTab;
  }

  get password(): Behavior<string> {
    return this.#password;
  }

  get passwordFault(): Behavior<PasswordFault | null> {
    return this.#passwordFault;
  }

  get deviceList(): Behavior<DeviceList> {
    return this.#list;
  }

  get level(): Behavior<Level> {
    return this.#level;
  }

  get attempt(): Behavior<JoinAttempt> {
    return this.#attempt;
  }

  /** The kind whose remembered device was gone, so that another one runs. */
  get fellBack(): Behavior<DeviceKind | null> {
    return this.#fellBack;
  }

  /** Opens what was on last time, and keeps looking after it until `end`. */
  begin(): void {
    this.#scope.onEnd(this.#ports.devices.onChange(() => void this.#lookAgain()));
    this.#scope.onEnd(this.#ports.network.online.subscribe(() => this.#networkChanged()));
    this.#scope.onEnd(this.microphone.state.subscribe(() => this.#followMicrophone()));
    for (const device of [this.camera, this.microphone]) {
      this.#scope.onEnd(device.state.subscribe(() => void this.#refreshList()));
      this.#scope.onEnd(device.stop);
    }
    this.#scope.onEnd(() => this.#monitor?.close());
    void this.#openWanted();
  }

  end(): void {
    this.#scope.end();
  }

  async #openWanted(): Promise<void> {
    const { cameraOn, microphoneOn } = this.#preferences.preferences.value;
    if (cameraOn && microphoneOn) await this.#openBoth();
    else if (cameraOn) await this.camera.start();
    else if (microphoneOn) await this.microphone.start();
    else await this.#refreshList();
  }

  /** One question of the browser for both; if that fails, each is tried alone and has its own state. */
  async #openBoth(): Promise<void> {
    const camera = this.camera.begin();
    const microphone = this.microphone.begin();
    try {
      const opened = await this.#ports.devices.open({
        camera: this.camera.wishedId,
        microphone: this.microphone.wishedId,
      });
      this.camera.settle(camera, opened.camera);
      this.microphone.settle(microphone, opened.microphone);
    } catch {
      if (this.#scope.ended) return;
      await Promise.all([this.camera.start(), this.microphone.start()]);
    }
  }

  async #lookAgain(): Promise<void> {
    await Promise.all([this.#refreshList(), this.camera.recheck(), this.microphone.recheck()]);
  }

  async #refreshList(): Promise<void> {
    const list = await this.#ports.devices.list().catch(() => NO_DEVICES);
    if (!this.#scope.ended) this.#list.set(list);
  }

  #monitor: LevelMonitor | null = null;
  #unfollow: () => void = () => undefined;

  #followMicrophone(): void {
    const state = this.microphone.state.value;
    this.#unfollow();
    this.#monitor?.close();
    this.#monitor = null;
    this.#level.set(NO_LEVEL);
    if (state.status !== "on" || this.#scope.ended) return;
    const monitor = new LevelMonitor(state.capture.stream, this.#ports.openLevelMeter);
    this.#monitor = monitor;
    this.#unfollow = monitor.level.subscribe(() => this.#level.set(monitor.level.value));
  }

  readonly toggle = (kind: DeviceKind): void => {
    const device = kind === "camera" ? this.camera : this.microphone;
    // At fault it is wanted already; a press then tries again.
    const { status } = device.state.value;
    const on = status === "off" || status === "fault";
    this.#preferences.change(kind === "camera" ? { cameraOn: on } : { microphoneOn: on });
    if (on) void device.start();
    else device.stop();
  };

  /** Tries again what is wanted but does not run. */
  readonly retry = (): void => {
    for (const device of [this.camera, this.microphone]) {
      if (device.state.value.status === "fault") void device.start();
    }
  };

  readonly choose = (kind: DeviceKind | "speaker", id: string): void => {
    const chosen = id === "" ? null : id;
    if (kind === "speaker") this.#preferences.change({ speakerId: chosen });
    else {
      this.#preferences.change(kind === "camera" ? { cameraId: chosen } : { microphoneId: chosen });
      void (kind === "camera" ? this.camera : this.microphone).choose(chosen);
    }
  };

  readonly rename = (typed: string): void => {
    this.#name.set(typed);
    if (cleanDisplayName(typed) !== "") this.#nameMissing.set(false);
    this.#preferences.change({ displayName: typed });
  };

  readonly typePassword = (typed: string): void => {
    this.#password.set(typed);
    if (typed !== "") this.#passwordFault.set(null);
  };

  /** Returns the first field that misses something, so that the view puts the focus there. */
  readonly submit = (asSecondDevice = false): JoinField | null => {
    const displayName = cleanDisplayName(this.#name.value);
    const as = asSecondDevice ? "newcomer" : this.inOtherTab.value ? "otherTab" : "before";
    const needsPassword = this.passwordWanted.value && as !== "otherTab";
    const passwordMissing = needsPassword && this.#password.value.trim() === "";
    this.#nameMissing.set(displayName === "");
    this.#passwordFault.set(passwordMissing ? "missing" : null);
    if (displayName === "") return "name";
    if (passwordMissing) return "password";
    const { status } = this.#attempt.value;
    if (status === "joining" || status === "waiting") return null;
    this.#as = as;
    if (this.#ports.network.online.value) void this.#go(displayName);
    else this.#attempt.set({ status: "waiting" });
    return null;
  };

  #networkChanged(): void {
    if (!this.#ports.network.online.value || this.#attempt.value.status !== "waiting") return;
    void this.#go(cleanDisplayName(this.#name.value));
  }

  async #go(displayName: string): Promise<void> {
    this.#attempt.set({ status: "joining" });
    this.#preferences.change({ displayName });
    const password = this.passwordWanted.value ? this.#password.value : null;
    const problem = await this.#door.join(this.#choice(displayName), password, this.#as);
    if (this.#scope.ended) return;
    const atField = problem !== null && asksPassword(problem);
    if (atField) this.#passwordFault.set(problem.kind === "passwordWrong" ? "wrong" : "asked");
    this.#attempt.set(problem === null || atField ? IDLE : { status: "failed", problem });
  }

  #choice(displayName: string): DeviceChoice {
    return {
      displayName,
      microphoneOn: isWanted(this.microphone.state.value.status),
      cameraOn: isWanted(this.camera.state.value.status),
      microphoneId: this.microphone.wishedId,
      cameraId: this.camera.wishedId,
      speakerId: this.#preferences.preferences.value.speakerId,
    };
  }
}

/** Whoever joins before the device has opened still wants it; the call opens it. */
function isWanted(status: string): boolean {
  return status === "on" || status === "asking";
}
