import type { LaunchOptions } from "@playwright/test";

import { ANNA, BEN, CARA } from "../harness/people.ts";
import { oneProcess } from "../harness/product.ts";
import { expect, testWith } from "./fixtures.ts";
import { ways } from "./reception.ts";
import { rerouteMedia } from "./rerouted.ts";
import { expectAllWell, Visitor } from "./visitor.ts";

/** `::1` stands for an address that the whole world reaches, which not every machine has. */
const test = testWith(async () => {
  const { home, livekitUrl, stop } = await oneProcess({ settings: { HOST: "::", RTC_NODE_IP: "::1" } });
  const overIpv6 = (address: string) => address.replace(/localhost|127\.0\.0\.1/, "[::1]");
  return {
    home: overIpv6(home),
    livekitUrl: overIpv6(livekitUrl),
    overIpv4: livekitUrl.replace("ws", "http"),
    stop,
  };
}).extend<object, { launchOptions: LaunchOptions }>({
  launchOptions: [
    async ({ launchOptions }, use) => {
      // Without it a browser on a machine that has no other IPv6 address has none for media.
      const args = [...(launchOptions.args ?? []), "--allow-loopback-in-peer-connection"];
      await use({ ...launchOptions, args });
    },
    { scope: "worker" },
  ],
});

test("page, link, signalling, media and relay work over IPv6, and a page over IPv4 is in the same call", async ({
  arrive,
  browser,
  product,
}) => {
  const anna = await arrive(ANNA);
  await anna.context.addInitScript(rerouteMedia, { only: "udp \\d+ ::1 ", relayed: false });
  const created = anna.page
    .waitForResponse((response) => response.url().endsWith("/api/v1/meetings/create"))
    .then((response) => response.json());
  const code = await anna.create();
  const { meeting_url: link } = (await created) as { meeting_url: string };
  expect(link).toBe(`${product.home}/meeting/${code}`);
  await anna.join();
  expect(await anna.page.evaluate(() => isSecureContext)).toBe(true);

  const ben = await arrive(BEN);
  await ben.context.addInitScript(rerouteMedia, { only: "tcp \\d+ ::1 ", relayed: false });
  await ben.page.goto(link);
  await ben.join();

  // Browsers ask relays for no address of a family; one of IPv6 is what they need here.
  const old = { home: product.overIpv4, livekitUrl: product.overIpv4 };
  const cara = await Visitor.arrive(browser, old, CARA);
  await cara.context.addInitScript(rerouteMedia, { only: " ::1 ", relayed: true });
  await cara.enter(code);

  const group = [anna, ben, cara];
  await expectAllWell(group);
  const taken: Record<string, string[]> = {};
  for (const { page, person } of group)
    taken[person.name] = (await ways(page)).map(({ local, remote }) => {
      const relayed = local.candidateType === "relay";
      return `${relayed ? `relay ${local.relayProtocol}` : remote.protocol} ${remote.address}`;
    });
  expect(taken).toEqual({ Anna: ["udp ::1"], Ben: ["tcp ::1"], Cara: ["relay tcp ::1"] });
  expect(cara.foreignRequests).toEqual([]);
  await cara.context.close();
});
