import { Api } from "../harness/api.ts";
import { ANNA, type Person } from "../harness/people.ts";
import { present } from "../harness/present.ts";
import { expect, test } from "./fixtures.ts";
import { connect, emptyPage, publish } from "./rooms-in-page.ts";

const CROWD = 11;
/** Tiles on a page of a tablet held upright. */
const ON_A_PAGE = 9;

test("twelve people on a tablet: two pages, pictures of the open page only, and speakers come in", async ({
  arrive,
  browser,
  product,
}) => {
  const api = new Api(product);
  const { meeting_id } = await api.create();
  const anna = await arrive(ANNA, { viewport: { width: 768, height: 1024 } });
  await anna.enter(meeting_id);

  const crowd: Person[] = [];
  const page = await emptyPage(browser, product.livekitUrl);
  for (let index = 0; index < CROWD; index += 1) {
    const person: Person = {
      name: `Guest ${index + 1}`,
      colour: [20 * index, 120, 90],
      tone: 300 + 20 * index,
    };
    const { livekit_url, token } = await api.join(meeting_id, person.name);
    await connect(page, livekit_url, { person, token, single: true });
    crowd.push(person);
  }

  await test.step("nine on the first page, the others and oneself on the second", async () => {
    await expect(anna.page.getByText("Page 1 of 2")).toBeVisible();
    await expect(anna.tiles).toHaveCount(ON_A_PAGE);
    await anna.page.keyboard.press("PageDown");
    await expect(anna.page.getByText("Page 2 of 2")).toBeVisible();
    await expect(anna.tiles.filter({ hasText: "Anna (you)" })).toHaveCount(1);
    await anna.page.keyboard.press("PageUp");
    await expect(anna.page.getByText("Page 1 of 2")).toBeVisible();
  });

  const first = present(crowd[0], "the first guest");
  const last = present(crowd[CROWD - 1], "the last guest");
  await test.step("who speaks off the page comes in", async () => {
    await expect(anna.tile(last)).toHaveCount(0);
    await publish(page, last, 160);
    await expect(anna.tile(last)).toBeVisible();
    await expect(anna.tiles).toHaveCount(ON_A_PAGE);
  });

  await test.step("pictures are fetched for the open page only", async () => {
    await publish(page, first, 160);
    const cameras = () =>
      anna.page.evaluate(
        () => [...document.querySelectorAll("video")].filter((video) => video.srcObject).length,
      );
    // The two that send; Anna's own picture is on the second page.
    await expect.poll(cameras).toBe(2);
    await anna.page.keyboard.press("PageDown");
    await expect(anna.tiles.filter({ hasText: "Anna (you)" })).toHaveCount(1);
    await expect.poll(cameras).toBe(1);
  });
  await page.context().close();
});
