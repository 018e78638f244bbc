import { Api } from "../harness/api.ts";
import { eventually } from "../harness/eventually.ts";
import { ANNA, BEN, CARA } from "../harness/people.ts";
import { expect, test } from "./fixtures.ts";
import { expectAllWell } from "./visitor.ts";

test("an unplugged microphone is replaced, told, and the replacement can be refused", async ({
  three: group,
}) => {
  const [anna, ben] = group;
  await expectAllWell(group);
  const toast = anna.page.getByRole("region", { name: "Notifications" });

  await anna.page.evaluate(() => window.hands.unplug("audio"));
  await expect(toast).toContainText(/Your microphone was unplugged\. Now in use: ./);
  await expectAllWell(group);
  await anna.page.evaluate(() => window.hands.unplug("video"));
  await expect(toast).toContainText(/Your camera was unplugged\. Now in use: ./);
  await expectAllWell(group);

  await expect(toast.getByText(/unplugged/)).toHaveCount(0);
  await anna.page.evaluate(() => window.hands.unplug("audio"));
  await toast.getByRole("button", { name: "Undo" }).click();
  await expect(anna.button("Unmute microphone")).toBeVisible();
  await expect(ben.tile(ANNA)).toContainText("muted");
});

test("who speaks while muted is told, and who is silent with an open microphone is told to both sides", async ({
  three: group,
}) => {
  const [anna, ben, cara] = group;
  await expectAllWell(group);

  await anna.button("Mute microphone").click();
  await expect(anna.page.getByText("You are muted. Press M to speak.")).toBeVisible();
  await anna.page.keyboard.press("m");
  await expect(anna.button("Mute microphone")).toBeVisible();
  await expect(anna.page.getByText("You are muted. Press M to speak.")).toHaveCount(0);
  await expectAllWell(group);

  await ben.page.evaluate(() => window.hands.setVolume(0));
  await expect(anna.tile(BEN)).toContainText("No sound from Ben");
  await expect(anna.tile(BEN)).toContainText("The microphone is on but silent.");
  await expect(cara.tile(BEN)).toContainText("No sound from Ben");
  await expect(ben.page.getByText(/^Nobody hears you: your microphone is on but silent\./)).toBeVisible();
  await expect(anna.tile(CARA)).not.toContainText("No sound");
  await ben.page.evaluate(() => window.hands.setVolume(0.3));
  await expect(anna.tile(BEN)).not.toContainText("No sound");
  await expect(ben.page.getByText(/^Nobody hears you: your microphone is on but silent\./)).toHaveCount(0);
  await expectAllWell(group);
});

/** A browser that plays no sound before somebody asks for it by pressing "Turn sound on". */
function refuseSound(): void {
  const play = HTMLMediaElement.prototype.play;
  let asked = false;
  document.addEventListener(
    "click",
    ({ target }) => {
      if (target instanceof Element && target.closest("button")?.textContent === "Turn sound on")
        asked = true;
    },
    true,
  );
  HTMLMediaElement.prototype.play = function (this: HTMLMediaElement) {
    if (asked || this instanceof HTMLVideoElement) return play.call(this);
    this.pause();
    return Promise.reject(new DOMException("not without a press", "NotAllowedError"));
  };
}

test("where the browser holds back sound, one press brings it", async ({ arrive, product }) => {
  const { meeting_id } = await new Api(product).create();
  const [ben, cara] = [await arrive(BEN), await arrive(CARA)];
  await ben.enter(meeting_id);
  await cara.enter(meeting_id);
  const anna = await arrive(ANNA);
  await anna.context.addInitScript(refuseSound);
  await anna.enter(meeting_id);
  await expect(anna.button("Turn sound on")).toBeVisible();
  await anna.button("Turn sound on").click();
  await expect(anna.button("Turn sound on")).toHaveCount(0);
  for (const other of [BEN, CARA])
    await eventually(`${other.name} at Anna's`, () => anna.perceives(other), {
      colours: [other.name],
      tones: [other.name],
    });
});
