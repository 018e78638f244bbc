import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { removeFolder, temporaryFolder } from "../harness/binary.ts";
import { eventually } from "../harness/eventually.ts";
import { ANNA, BEN, CARA } from "../harness/people.ts";
import { oneProcess } from "../harness/product.ts";
import { expect, test, testWith } from "./fixtures.ts";
import { rememberConnections } from "./rerouted.ts";
import { expectAllWell, type Visitor } from "./visitor.ts";

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

/** The media server looks for ways to browsers itself, instead of only answering when they do. */
const withFullIce = testWith(async () => {
  const folder = temporaryFolder();
  const configuration = join(folder, "livekit.yaml");
  writeFileSync(configuration, "rtc:\n  use_ice_lite: false\n");
  const product = await oneProcess({ settings: { LIVEKIT_CONFIG_FILE: configuration } });
  const stop = async () => {
    await product.stop();
    await removeFolder(folder);
  };
  return { ...product, stop };
});

withFullIce("with full ICE all see and hear each other, and the server asks too", async ({ arrive }) => {
  const group: Visitor[] = [];
  let code = "";
  for (const person of [ANNA, BEN, CARA]) {
    const visitor = await arrive(person);
    group.push(visitor);
    await visitor.context.addInitScript(rememberConnections);
    if (code === "") code = await visitor.create();
    else await visitor.open(code);
    await visitor.join();
  }
  await expectAllWell(group);
  for (const { page, person } of group) {
    const silent = await page.evaluate(async () => {
      const open = window.connections.filter((connection) => connection.connectionState === "connected");
      const asked = open.map(async (connection) =>
        [...(await connection.getStats()).values()].some(
          (row) => row.type === "candidate-pair" && row.requestsReceived > 0,
        ),
      );
      return open.length === 0 || (await Promise.all(asked)).includes(false);
    });
    expect(silent, `the server has asked ${person.name}'s browser`).toBe(false);
  }
});
