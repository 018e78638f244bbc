import { type Behavior, Cell } from "../state/behavior";
import type { SpeakerPort } from "./ports";

export type SpeakerTest = "idle" | "playing" | "asking" | "works" | "another" | "failed";

/** Plays a tone and asks whether it was heard: only a person can tell. */
export class SpeakerTestViewModel {
  readonly #port: SpeakerPort;
  readonly #state = new Cell<SpeakerTest>("idle");

  constructor(port: SpeakerPort) {
    this.#port = port;
  }

  get state(): Behavior<SpeakerTest> {
    return this.#state;
  }

  get selectable(): boolean {
    return this.#port.selectable;
  }

  readonly play = async (deviceId: string | null): Promise<void> => {
    if (this.#state.value === "playing") return;
    this.#state.set("playing");
    try {
      await this.#port.playTone(deviceId);
      this.#state.set("asking");
    } catch {
      this.#state.set("failed");
    }
  };

  readonly heard = (): void => this.#state.set("works");

  readonly notHeard = (): void => this.#state.set("another");
}
