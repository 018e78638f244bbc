import { eventually } from "../harness/eventually.ts";
import { ANNA, BEN, CARA } from "../harness/people.ts";
import { expect, test } from "./fixtures.ts";
import { expectAllWell } from "./visitor.ts";

test("three people meet: create, join, see, hear, chat, mute, share, leave and come back", async ({
  arrive,
  product,
}) => {
  const [anna, ben, cara] = [await arrive(ANNA), await arrive(BEN), await arrive(CARA)];
  const group = [anna, ben, cara];

  const code = await test.step("Anna creates a meeting and joins it", async () => {
    const created = await anna.create();
    await anna.join();
    await expect(anna.tiles).toHaveCount(1);
    return created;
  });

  await test.step("the others join by its link, one by its old form", async () => {
    await ben.enter(code);
    await cara.page.goto(`${product.home}/meeting.html?id=${code}`);
    await expect(cara.page).toHaveURL(new RegExp(`/meeting/${code}$`));
    await cara.join();
    for (const visitor of group) await expect(visitor.tiles).toHaveCount(3);
  });

  await test.step("each sees and hears each other", () => expectAllWell(group));

  await test.step("what one writes, all read", async () => {
    await anna.button(/^Chat/).click();
    await anna.write("Hello from Anna");
    await expect(ben.button(/^Chat, 1 unread/)).toBeVisible();
    await ben.button(/^Chat/).click();
    await expect(ben.chat).toContainText("Hello from Anna");
    await ben.write("Hello <b>Anna</b>");
    await expect(anna.chat).toContainText("Hello <b>Anna</b>");
    await cara.button(/^Chat/).click();
    await expect(cara.chat).toContainText("Hello <b>Anna</b>");
  });

  await test.step("a muted microphone is silent and shown as muted", async () => {
    await anna.button("Mute microphone").click();
    await expect(anna.button("Unmute microphone")).toBeVisible();
    await expect(ben.tile(ANNA)).toContainText("muted");
    await eventually(
      "Anna's sound at Ben's",
      async () => (await ben.perceives(ANNA)).tones.filter((tone) => tone === "Anna"),
      [],
    );
    await anna.button("Unmute microphone").click();
    await expect(ben.tile(ANNA)).not.toContainText("muted");
  });

  await test.step("a camera turned off sends no picture", async () => {
    await cara.button("Turn camera off").click();
    await eventually(
      "Cara's picture at Ben's",
      async () => (await ben.perceives(CARA)).colours.filter((seen) => seen === "Cara"),
      [],
    );
    await cara.button("Turn camera on").click();
    await expectAllWell(group);
  });

  await test.step("a shared screen arrives with its sound, beside camera and voice", async () => {
    await ben.button("Share screen").click();
    await expect(ben.button("Stop sharing").first()).toBeVisible();
    for (const watcher of [anna, cara]) {
      const wanted = { colours: ["Ben", "Screen"], tones: ["Ben", "Screen"] };
      await eventually(`Ben's screen at ${watcher.person.name}'s`, () => watcher.perceives(BEN), wanted);
    }
    await ben.button("Stop sharing").first().click();
    await expectAllWell(group);
  });

  await test.step("one leaves and comes back", async () => {
    await cara.leave();
    for (const visitor of [anna, ben]) await expect(visitor.tiles).toHaveCount(2);
    await cara.button("Rejoin").click();
    for (const visitor of group) await expect(visitor.tiles).toHaveCount(3);
    await expectAllWell(group);
  });
});
