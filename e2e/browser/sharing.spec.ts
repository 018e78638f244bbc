import { whoseColour } from "../harness/colour.ts";
import { eventually } from "../harness/eventually.ts";
import { BEN, CARA } from "../harness/people.ts";
import { expect, test } from "./fixtures.ts";

/** The colour in the middle of the moving picture of a page, or that there is none. */
function middle(): [number, number, number] | "nothing" {
  const video = document.querySelector("video");
  const canvas = document.createElement("canvas");
  const brush = canvas.getContext("2d");
  if (video === null || video.readyState < 2 || brush === null) return "nothing";
  brush.drawImage(video, 0, 0, 8, 8);
  const [red = 0, green = 0, blue = 0] = brush.getImageData(4, 4, 1, 1).data;
  return [red, green, blue];
}

test("a shared screen: a placeholder for oneself; zoom, own window and two at once for others", async ({
  three: [anna, ben, cara],
}) => {
  const stageOf = (visitor: typeof anna) => visitor.page.getByRole("region", { name: "Shared screens" });

  await test.step("who shares sees words, never the screen in the screen", async () => {
    await ben.button("Share screen").click();
    await expect(stageOf(ben).getByText("You are sharing your screen")).toBeVisible();
    await expect(stageOf(ben).locator("video")).toHaveCount(0);
    await expect(ben.page.locator('video[data-source="screen_share"]')).toHaveCount(0);
    await expect(ben.tiles).toHaveCount(3);
  });

  const screen = anna.page.getByRole("figure", { name: "Ben's screen" });
  const level = screen.getByRole("button", { name: /%$/ });
  const shown = async () => Number(/(\d+) %/.exec((await level.textContent()) ?? "")?.[1]);
  const arrives = () => anna.perceives(BEN);
  await eventually("Ben's screen at Anna's", arrives, {
    colours: ["Ben", "Screen"],
    tones: ["Ben", "Screen"],
  });

  await test.step("it is enlarged by button, key, wheel and two fingers, and fits again", async () => {
    const fit = await shown();
    await screen.getByRole("button", { name: "Zoom in" }).click();
    await expect.poll(shown).toBeGreaterThan(fit);
    await level.click();
    await expect.poll(shown).toBe(fit);
    await level.click();
    await expect.poll(shown).toBe(100);
    await level.press("+");
    await expect.poll(shown).toBe(150);
    await level.press("0");
    await expect.poll(shown).toBe(fit);
    const box = await screen.boundingBox();
    if (box === null) throw new Error("the screen has a place");
    await anna.page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
    await anna.page.keyboard.down("Control");
    await anna.page.mouse.wheel(0, -120);
    await anna.page.keyboard.up("Control");
    await expect.poll(shown).toBeGreaterThan(fit);
    // The page itself has not been enlarged.
    expect(await anna.page.evaluate(() => window.visualViewport?.scale)).toBe(1);
    await level.click();
    await expect.poll(shown).toBe(fit);

    const fingers = await anna.page.context().newCDPSession(anna.page);
    const touch = (type: "touchStart" | "touchMove" | "touchEnd", apart: number) =>
      fingers.send("Input.dispatchTouchEvent", {
        type,
        touchPoints:
          type === "touchEnd"
            ? []
            : [-apart, apart].map((x, id) => ({
                x: box.x + box.width / 2 + x,
                y: box.y + box.height / 2,
                id,
              })),
      });
    await touch("touchStart", 40);
    for (const apart of [60, 80, 100, 120]) await touch("touchMove", apart);
    await touch("touchEnd", 0);
    await expect.poll(shown).toBeGreaterThan(fit);
    await level.click();
  });

  await test.step("it goes into a window of its own, which closes with it", async () => {
    const opened = anna.page.waitForEvent("popup");
    await screen.getByRole("button", { name: "Open in own window" }).click();
    const popup = await opened;
    const colour = async () => {
      const seen = await popup.evaluate(middle);
      return seen === "nothing" ? seen : whoseColour(seen);
    };
    await eventually("the window's picture", colour, "Screen");
    expect(await popup.title()).toBe("Ben's screen");
    const closed = popup.waitForEvent("close");
    await ben.button("Stop sharing").first().click();
    await closed;
    await expect(screen).toHaveCount(0);
  });

  await test.step("two screens stand side by side where there is room, else behind tabs", async () => {
    await ben.button("Share screen").click();
    await cara.button("Share screen").click();
    await expect(stageOf(anna).getByRole("figure")).toHaveCount(2);
    await anna.page.setViewportSize({ width: 768, height: 900 });
    await expect(stageOf(anna).getByRole("figure")).toHaveCount(1);
    await anna.button("Cara's screen").click();
    await expect(anna.page.getByRole("figure", { name: "Cara's screen" })).toBeVisible();
    for (const watcher of [CARA, BEN])
      await eventually(
        `${watcher.name}'s screen at Anna's`,
        async () => (await anna.perceives(watcher)).tones.includes("Screen"),
        true,
      );
  });
});
