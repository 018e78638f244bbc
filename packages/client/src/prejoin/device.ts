import { type Behavior, Cell } from "../state/behavior";
import type { Capture, DeviceKind, DevicePort } from "./ports";

/** Why a wanted device does not run. */
export type DeviceFault =
  /** The person, or the browser's settings, said no. */
  | "deniedByBrowser"
  /** The browser may, but the operating system says no. */
  | "deniedBySystem"
  /** The embedding page does not pass the right on. */
  | "deniedByFrame"
  | "missing"
  /** Another application holds it. */
  | "inUse"
  /** Plain http. */
  | "insecure"
  | "failed";

export type DeviceState =
  | { readonly status: "off" }
  | { readonly status: "asking" }
  | { readonly status: "on"; readonly capture: Capture }
  | { readonly status: "fault"; readonly fault: DeviceFault };

const OFF: DeviceState = { status: "off" };
const ASKING: DeviceState = { status: "asking" };

/** One camera or microphone: switched on and off, changed, and looked after until it runs. */
export class Device {
  readonly kind: DeviceKind;
  readonly #port: DevicePort;
  readonly #state = new Cell<DeviceState>(OFF);
  readonly #onFallback: () => void;
  #wished: string | null;
  /** Counts the attempts, so that a late answer to an old one is closed again. */
  #attempt = 0;

  constructor(kind: DeviceKind, port: DevicePort, wished: string | null, onFallback: () => void) {
    this.kind = kind;
    this.#port = port;
    this.#wished = wished;
    this.#onFallback = onFallback;
  }

  get state(): Behavior<DeviceState> {
    return this.#state;
  }

  get wishedId(): string | null {
    return this.#wished;
  }

  /** On, being switched on, or wanted but at fault. */
  get wanted(): boolean {
    return this.#state.value.status !== "off";
  }

  readonly start = async (): Promise<void> => {
    const attempt = this.begin();
    try {
      const opened = await this.#open();
      this.settle(attempt, opened);
    } catch (error) {
      await this.fail(attempt, error);
    }
  };

  /** Opens the wished device, or any other if that one is gone. */
  async #open(): Promise<Capture | undefined> {
    try {
      return (await this.#port.open({ [this.kind]: this.#wished }))[this.kind];
    } catch (error) {
      if (nameOf(error) !== "OverconstrainedError" || this.#wished === null) throw error;
      this.#wished = null;
      this.#onFallback();
      return (await this.#port.open({ [this.kind]: null }))[this.kind];
    }
  }

  readonly stop = (): void => {
    this.#attempt += 1;
    this.#close();
    this.#state.set(OFF);
  };

  readonly choose = async (id: string | null): Promise<void> => {
    this.#wished = id;
    if (this.wanted) await this.start();
  };

  /** Tries again if something outside changed and the device is wanted but does not run. */
  async recheck(): Promise<void> {
    const state = this.#state.value;
    if (state.status !== "fault" || state.fault === "insecure") return;
    if (state.fault === "deniedByBrowser" && (await this.#port.permission(this.kind)) !== "granted") return;
    if (state.fault === "missing" && !(await this.#isListed())) return;
    if (this.#state.value === state) await this.start();
  }

  async #isListed(): Promise<boolean> {
    const list = await this.#port.list();
    return (this.kind === "camera" ? list.cameras : list.microphones).length > 0;
  }

  /** Marks the start of an attempt; used by the owner when one question asks for both devices. */
  begin(): number {
    this.#attempt += 1;
    this.#close();
    this.#state.set(ASKING);
    return this.#attempt;
  }

  settle(attempt: number, capture: Capture | undefined): void {
    if (attempt !== this.#attempt) {
      capture?.stop();
      return;
    }
    if (capture === undefined) {
      this.#state.set({ status: "fault", fault: "failed" });
      return;
    }
    this.#state.set({ status: "on", capture });
    capture.onGone(() => {
      const now = this.#state.value;
      if (now.status === "on" && now.capture === capture) void this.start();
    });
  }

  async fail(attempt: number, error: unknown): Promise<void> {
    const fault = await this.#faultOf(error);
    if (attempt === this.#attempt) this.#state.set({ status: "fault", fault });
  }

  #close(): void {
    const state = this.#state.value;
    if (state.status === "on") state.capture.stop();
  }

  async #faultOf(error: unknown): Promise<DeviceFault> {
    if (!this.#port.available) return "insecure";
    switch (nameOf(error)) {
      case "NotAllowedError":
      case "SecurityError":
        if (!this.#port.allowedByFrame(this.kind)) return "deniedByFrame";
        return (await this.#port.permission(this.kind)) === "granted" ? "deniedBySystem" : "deniedByBrowser";
      case "NotFoundError":
      case "OverconstrainedError":
        return "missing";
      case "NotReadableError":
      case "AbortError":
        return "inUse";
      default:
        return "failed";
    }
  }
}

/** DOMException names are the platform's stable codes for these errors. */
function nameOf(error: unknown): string {
  return error instanceof Error || error instanceof DOMException ? error.name : "";
}
