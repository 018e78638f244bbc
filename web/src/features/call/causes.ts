import type { NoSound, Weakness } from "@heydok/client/call";

/** Why one's own line is weak, in words. */
export const WEAKNESSES = {
  upload: "uploadSlow",
  download: "downloadSlow",
  loss: "lineLossy",
  delay: "lineSlow",
  tcp: "lineTcp",
  unknown: "lineWeak",
} as const satisfies Record<Weakness, string>;

type OwnNoSound = Exclude<NoSound, "nothing-arrives">;

/** Why nobody hears oneself. */
export const UNHEARD = {
  "device-ended": "unheardEnded",
  "device-muted": "unheardMuted",
  silent: "unheardSilent",
  "nothing-sent": "unheardNothingSent",
  "upload-lost": "unheardUploadLost",
} as const satisfies Record<OwnNoSound, string>;

/** What helps where one hears of it: another device, or nothing on this page. */
export function isDeviceFault(cause: NoSound): boolean {
  return cause === "device-ended" || cause === "device-muted" || cause === "silent";
}
