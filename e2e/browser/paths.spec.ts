import { createSocket } from "node:dgram";
import { once } from "node:events";

import { oneProcess } from "../harness/product.ts";
import { testWith } from "./fixtures.ts";
import { expectAllWell } from "./visitor.ts";

const test = testWith(async () => {
  // Browsers are told this port, and all that they send to it is lost, as behind a firewall.
  const firewall = createSocket("udp4");
  firewall.bind(0);
  await once(firewall, "listening");
  const product = await oneProcess({ settings: { RTC_ADVERTISED_UDP_PORT: `${firewall.address().port}` } });
  const stop = async () => {
    await product.stop();
    firewall.close();
  };
  return { ...product, stop };
});

test("where no UDP gets through, the call goes over TCP by itself", async ({ three }) => {
  await expectAllWell(three);
});
