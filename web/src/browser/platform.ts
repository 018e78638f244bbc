/** Which permission help fits; only that, nothing is switched on or off by it. */
export type BrowserHelp =
  | "chromium"
  | "firefox"
  | "safari"
  | "iosSafari"
  | "iosOther"
  | "androidChrome"
  | "androidFirefox";
export type SystemHelp = "mac" | "windows" | "otherSystem";

export const browserHelps: readonly BrowserHelp[] = [
  "chromium",
  "firefox",
  "safari",
  "iosSafari",
  "iosOther",
  "androidChrome",
  "androidFirefox",
];

export function browserHelpOf(agent: string, touchPoints: number): BrowserHelp {
  const ios = /iPhone|iPad|iPod/.test(agent) || (/Macintosh/.test(agent) && touchPoints > 1);
  if (ios) return /CriOS|FxiOS|EdgiOS/.test(agent) ? "iosOther" : "iosSafari";
  const firefox = /Firefox\//.test(agent);
  if (/Android/.test(agent)) return firefox ? "androidFirefox" : "androidChrome";
  if (firefox) return "firefox";
  return /Chrom(e|ium)\//.test(agent) ? "chromium" : "safari";
}

export function systemHelpOf(agent: string): SystemHelp {
  if (/Windows/.test(agent)) return "windows";
  return /Macintosh|Mac OS X/.test(agent) ? "mac" : "otherSystem";
}
