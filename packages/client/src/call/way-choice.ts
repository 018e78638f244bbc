import type { PathId } from "../checks/check";
import type { PathPolicy } from "../checks/ports";

/** A way that worked where the browser's own choice had not is taken at once for this long, in milliseconds. */
export const REMEMBERED_FOR_MS = 600_000;

/** Ways that are tried alone, one after the other, when what the browser chose by itself carried no call. */
const DETOURS = ["tcp", "turn_tls"] as const satisfies readonly PathPolicy[];

/** Time for media to flow once the server has answered, in milliseconds: together with the next way below ten seconds. */
const FIRST_MS = 7_000;
const DETOUR_MS = 5_000;
const LATER_MS = 12_000;

/**
 * Which way the next attempt takes. The browser tries UDP, TCP and relays at once and takes the best that answers. But
 * some networks let the short checks of ICE through and not what follows, or only for a while: so after an attempt
 * whose way failed, others are tried alone.
 */
export class WayChoice {
  private turn = 0;
  private worked: { readonly policy: PathPolicy; readonly at: number } | null = null;
  private detours: readonly PathPolicy[] = ["tcp"];
  private failures = 0;

  /** The way, and how long it may take. */
  next(now: number): { readonly policy: PathPolicy; readonly patienceMs: number } {
    const { worked } = this;
    if (this.turn === 0 && worked !== null && now - worked.at < REMEMBERED_FOR_MS)
      return { policy: worked.policy, patienceMs: FIRST_MS };
    const policy = (["any", ...this.detours] as const)[this.turn % (1 + this.detours.length)] ?? "any";
    if (policy !== "any") return { policy, patienceMs: DETOUR_MS };
    return { policy, patienceMs: this.failures === 0 ? FIRST_MS : LATER_MS };
  }

  /** The server answered, but no media came; `relays` are those it offers, `wayFailed` whether the way is to blame. */
  failed(relays: ReadonlySet<PathId>, wayFailed: boolean): void {
    this.detours = DETOURS.filter((way) => way === "tcp" || relays.has(way));
    // What was remembered is no better than the browser's choice any more.
    if (this.worked !== null) this.worked = null;
    // A server that was only slow is asked again in the same way, and more patiently.
    else if (wayFailed || this.turn > 0) this.turn += 1;
    this.failures += 1;
  }

  succeeded(policy: PathPolicy, now: number): void {
    this.worked = policy === "any" ? null : { policy, at: now };
    this.turn = 0;
    this.failures = 0;
  }
}
