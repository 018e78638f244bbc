import { createLocalScreenTracks, type LocalTrack } from "livekit-client";
import type { ShareSurface } from "./media-state";

/** What a shared screen mostly shows: sharp letters, or smooth movement. */
export type ShareDetail = "text" | "motion";

export type OpenedScreen = { tracks: LocalTrack[] } | { fault: "share-blocked" | "share-failed" | null };

/** Asks for a screen, with its sound where the browser gives it. A closed picker is no fault. */
export async function openScreen(detail: ShareDetail): Promise<OpenedScreen> {
  try {
    const tracks = await createLocalScreenTracks({
      audio: true,
      contentHint: detail === "text" ? "text" : "motion",
      resolution: { width: 1920, height: 1080, frameRate: detail === "text" ? 15 : 30 },
      selfBrowserSurface: "exclude",
      surfaceSwitching: "include",
      systemAudio: "include",
    });
    return { tracks };
  } catch (error) {
    return { fault: shareFault(error) };
  }
}

/**
 * Lets servers drop every second or third picture for whose line is narrow, before letters lose their sharpness (three
 * temporal layers, W3C WebRTC-SVC). livekit-client asks for them only of cameras; browsers that have none keep what they send.
 */
export async function layerInTime({ sender }: LocalTrack): Promise<void> {
  if (sender === undefined) return;
  const parameters = sender.getParameters();
  for (const encoding of parameters.encodings)
    (encoding as RTCRtpEncodingParameters & { scalabilityMode?: string }).scalabilityMode = "L1T3";
  await sender.setParameters(parameters).catch(() => undefined);
}

/** Closing the browser's picker is a decision; only a refusal by the system is a fault. */
function shareFault(error: unknown): "share-blocked" | "share-failed" | null {
  if (!(error instanceof Error)) return "share-failed";
  if (error.name !== "NotAllowedError" && error.name !== "AbortError") return "share-failed";
  return /system/iu.test(error.message) ? "share-blocked" : null;
}

const SURFACES: readonly ShareSurface[] = ["monitor", "window", "browser"];

/** What of the computer a track shows. */
export function surfaceOf(track: LocalTrack | undefined): ShareSurface {
  const told: string | undefined = track?.mediaStreamTrack.getSettings().displaySurface;
  return SURFACES.find((surface) => surface === told) ?? null;
}
