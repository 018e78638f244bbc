import { createSocket } from "node:dgram";
import { once } from "node:events";

import { test } from "@playwright/test";

import { ANNA, BEN, CARA } from "../harness/people.ts";
import { oneProcess } from "../harness/product.ts";
import { expectAllWell, Visitor } from "./visitor.ts";

test("where no UDP gets through, the call goes over TCP by itself", async ({ browser }) => {
  // Browsers are told this port, and all that they send to it is lost, as behind a firewall.
  const firewall = createSocket("udp4");
  firewall.bind(0);
  await once(firewall, "listening");
  const product = await oneProcess({ settings: { RTC_ADVERTISED_UDP_PORT: `${firewall.address().port}` } });
  const group = [];
  for (const person of [ANNA, BEN, CARA]) group.push(await Visitor.arrive(browser, product, person));
  const [anna, ...others] = group as [Visitor, Visitor, Visitor];
  const code = await anna.create();
  await anna.join();
  for (const other of others) await other.enter(code);
  await expectAllWell(group);
  for (const { context } of group) await context.close();
  await product.stop();
  firewall.close();
});
