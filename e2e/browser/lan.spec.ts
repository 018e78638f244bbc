import { eventually } from "../harness/eventually.ts";
import { ANNA, BEN, CARA } from "../harness/people.ts";
import { inLan } from "../harness/product.ts";
import { expect, testWith } from "./fixtures.ts";
import { expectAllWell, Visitor } from "./visitor.ts";

const test = testWith(inLan);

test("one command in an empty folder, and three devices of the local network are in a call over HTTPS", async ({
  browser,
  arrive,
  product,
}) => {
  // The machine itself needs no certificate.
  const anna = await arrive(ANNA);
  const created = anna.page
    .waitForResponse((response) => response.url().endsWith("/api/v1/meetings/create"))
    .then((response) => response.json());
  await anna.create();
  const { meeting_url: link } = (await created) as { meeting_url: string };
  const { origin, protocol, port, hostname } = new URL(link);
  expect(protocol).toBe("https:");
  expect(port).toBe(new URL(product.home).port);
  expect(hostname, "others do not find this machine by its name for itself").not.toBe("localhost");
  await anna.join();

  // Who has not installed the root certificate is warned, and goes on.
  const phone = { home: origin, livekitUrl: origin };
  const ben = await Visitor.arrive(browser, phone, BEN, { ignoreHTTPSErrors: true });
  const cara = await Visitor.arrive(browser, phone, CARA, { ignoreHTTPSErrors: true });
  const group = [anna, ben, cara];
  for (const visitor of [ben, cara]) {
    await visitor.page.goto(link);
    await visitor.join();
    expect(await visitor.page.evaluate(() => isSecureContext)).toBe(true);
  }
  for (const { person, tiles } of group)
    await eventually(`the tiles at ${person.name}'s`, () => tiles.count(), 3);
  await expectAllWell(group);
  for (const visitor of [ben, cara]) {
    expect(visitor.foreignRequests).toEqual([]);
    await visitor.context.close();
  }
});
