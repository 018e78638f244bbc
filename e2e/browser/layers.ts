import type { Page } from "@playwright/test";
import type { RemoteTrackPublication } from "livekit-client";

/** Has `watcher` ask for that size of `other`'s picture. */
export async function askFor(
  page: Page,
  watcher: string,
  other: string,
  quality: "LOW" | "HIGH",
): Promise<void> {
  await page.evaluate(
    ({ watcher, other, quality }) => {
      const publications =
        window.rooms[watcher]?.remoteParticipants.get(other)?.videoTrackPublications.values() ?? [];
      for (const publication of publications) {
        (publication as RemoteTrackPublication).setVideoQuality(window.LivekitClient.VideoQuality[quality]);
      }
    },
    { watcher, other, quality },
  );
}
