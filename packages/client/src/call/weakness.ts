import type { LineDetails } from "./line-stats";
import type { Quality } from "./participants";

/** What makes our line weak. */
export type Weakness =
  /** The encoder had to lower our picture. */
  | "upload"
  /** The server holds pictures back, because our line does not carry them. */
  | "download"
  | "loss"
  | "delay"
  /** Over TCP a lost packet holds up all that come after it. */
  | "tcp"
  | "unknown";

/** What a look at the line tells about its weakness. */
export interface LineSigns {
  /** How the server judges our line. */
  readonly quality: Quality;
  readonly uploadLimited: boolean;
  /** So much that our picture became smaller; the server sees nothing of it while nothing gets lost. */
  readonly pictureLowered: boolean;
  /** The server holds back a picture that we want to see. */
  readonly paused: boolean;
  readonly details: LineDetails;
}

/** Percent from which sound suffers. */
const MUCH_LOSS = 4;
/** Milliseconds there and back from which people interrupt each other. */
const LONG_DELAY_MS = 400;

/** The cause that explains most, `null` for a good line. */
export function weaknessOf({
  quality,
  uploadLimited,
  pictureLowered,
  paused,
  details,
}: LineSigns): Weakness | null {
  const weak = quality === "weak" || quality === "lost";
  if (pictureLowered || (weak && uploadLimited)) return "upload";
  if (paused) return "download";
  if (!weak) return null;
  if (Math.max(details.lossUp ?? 0, details.lossDown ?? 0) >= MUCH_LOSS) return "loss";
  if ((details.delay ?? 0) >= LONG_DELAY_MS) return "delay";
  const { route } = details;
  return route === "tcp" || route === "relay_tcp" || route === "relay_tls" ? "tcp" : "unknown";
}
