import { expect, test } from "@playwright/test";

import { eventually } from "../harness/eventually.ts";
import { ANNA, EVERYBODY, SCREEN } from "../harness/people.ts";
import { replaceDevices } from "./devices.ts";
import { playing } from "./probes.ts";

const PAGE =
  '<video data-participant="x" autoplay muted></video><audio data-participant="x" autoplay></audio>';

/** Plays what camera and microphone give, or one of them only. */
async function play(wanted: { video?: boolean; audio?: boolean }): Promise<void> {
  const stream = await navigator.mediaDevices.getUserMedia(wanted);
  for (const kind of ["video", "audio"] as const) {
    const tracks = kind === "video" ? stream.getVideoTracks() : stream.getAudioTracks();
    if (tracks[0]) (document.querySelector(kind) as HTMLMediaElement).srcObject = new MediaStream(tracks);
  }
}

test("the instruments tell each person from the others, and a frozen picture from a moving one", async ({
  browser,
}) => {
  for (const person of EVERYBODY) {
    const context = await browser.newContext();
    await context.addInitScript(replaceDevices, { self: person, screen: SCREEN });
    const page = await context.newPage();
    await page.route("http://localhost:1/", (route) =>
      route.fulfill({ contentType: "text/html", body: PAGE }),
    );
    await page.goto("http://localhost:1/");
    expect(await playing(page, "x")).toEqual({ colours: [], tones: [] });
    await page.evaluate(play, { video: true, audio: true });
    await eventually(person.name, () => playing(page, "x"), { colours: [person.name], tones: [person.name] });
    expect(await playing(page, "someone else")).toEqual({ colours: [], tones: [] });
    if (person === ANNA) {
      await page.evaluate(() => {
        for (const element of document.querySelectorAll("video, audio") as NodeListOf<HTMLMediaElement>) {
          for (const track of (element.srcObject as MediaStream).getTracks()) track.stop();
        }
      });
      await eventually("after the end", () => playing(page, "x"), {
        colours: ["frozen"],
        tones: ["silence"],
      });
    }
    await context.close();
  }
});
