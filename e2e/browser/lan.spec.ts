import { ANNA, BEN } from "../harness/people.ts";
import { oneProcess } from "../harness/product.ts";
import { expect, testWith } from "./fixtures.ts";
import { expectAllWell, Visitor } from "./visitor.ts";

const test = testWith(() => oneProcess({ settings: { TLS_MODE: "lan", HOST: "127.0.0.1" } }));

test("in a local network the machine itself needs no certificate, and a phone comes by the link over HTTPS", async ({
  browser,
  arrive,
  product,
}) => {
  const anna = await arrive(ANNA);
  const code = await anna.create();
  const link = await anna.page.evaluate(
    async (code) => (await (await fetch(`/api/v1/meetings/${code}`)).json()).meeting_url as string,
    code,
  );
  const { origin, protocol, port } = new URL(link);
  expect(protocol).toBe("https:");
  expect(port).toBe(new URL(product.home).port);
  await anna.join();

  // Who has not installed the root certificate is warned, and goes on.
  const phone = { home: origin, livekitUrl: origin };
  const ben = await Visitor.arrive(browser, phone, BEN, { ignoreHTTPSErrors: true });
  await ben.enter(code);
  expect(await ben.page.evaluate(() => isSecureContext)).toBe(true);
  await expectAllWell([anna, ben]);
  expect(ben.foreignRequests).toEqual([]);
  await ben.context.close();
});
