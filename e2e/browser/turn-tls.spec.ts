import type { LaunchOptions } from "@playwright/test";

import { removeFolder, temporaryFolder } from "../harness/binary.ts";
import { makeCertificate, type TestCertificate } from "../harness/certificate.ts";
import { eventually } from "../harness/eventually.ts";
import { openFirewall } from "../harness/firewall.ts";
import { ANNA, BEN, CARA } from "../harness/people.ts";
import { oneProcess } from "../harness/product.ts";
import { judgeDuration } from "./duration.ts";
import { expect, testWith } from "./fixtures.ts";
import { mediaPaths } from "./reception.ts";
import { rerouteMedia } from "./rerouted.ts";
import { expectAllWell, type Visitor } from "./visitor.ts";

const folder = temporaryFolder();
const certificate: TestCertificate = makeCertificate(folder);

/** Everything but HTTPS is behind a firewall that swallows it. */
const test = testWith(async () => {
  const firewall = await openFirewall();
  const product = await oneProcess({
    settings: {
      ...certificate.settings,
      RTC_ADVERTISED_UDP_PORT: `${firewall.udpPort}`,
      RTC_ADVERTISED_TCP_PORT: `${firewall.tcpPort}`,
    },
  });
  const stop = async () => {
    await product.stop();
    firewall.close();
    await removeFolder(folder);
  };
  const https = (address: string) => address.replace(/^(http|ws)s?:/, "$1s:");
  return { home: https(product.home), livekitUrl: https(product.livekitUrl), stop };
}).extend<object, { launchOptions: LaunchOptions }>({
  launchOptions: [
    async ({ launchOptions }, use) => {
      const args = [...(launchOptions.args ?? []), certificate.chromiumArgument];
      await use({ ...launchOptions, args });
    },
    { scope: "worker" },
  ],
});

test("where nothing but TLS to the HTTPS port gets through, the call goes over the relay there, and says so", async ({
  arrive,
}) => {
  const group: Visitor[] = [];
  let code = "";
  for (const person of [ANNA, BEN, CARA]) {
    const visitor = await arrive(person);
    group.push(visitor);
    await visitor.context.addInitScript(rerouteMedia, {});
    if (code === "") code = await visitor.create();
    else await visitor.open(code);
    const began = performance.now();
    await visitor.join();
    await eventually(`${person.name}'s way`, () => mediaPaths(visitor.page), ["relay tls"]);
    judgeDuration(`${person.name} is in the call over TURN/TLS`, began, { budget: 10, most: 20 });
  }
  await expectAllWell(group);
  for (const visitor of group) {
    await visitor.button("More options").click();
    await visitor.button("Settings").click();
    await visitor.page.getByRole("tab", { name: "Connection" }).click();
    const panel = visitor.page.getByRole("tabpanel", { name: "Connection" });
    await expect(panel).toContainText("Relay over TLS");
  }
});

test("where nothing but TLS to the HTTPS port gets through, the test page says so beforehand", async ({
  arrive,
  product,
}) => {
  const { page } = await arrive(ANNA);
  await page.goto(`${product.home}/test`);
  await expect(page.getByRole("status").filter({ hasText: "Better audio only" })).toBeVisible({
    timeout: 90_000,
  });
  const check = (name: string) =>
    page.getByRole("list", { name: "Checks" }).getByRole("listitem").filter({ hasText: name });
  await expect(check("Relay over TLS or TCP")).toContainText(/passedConnected after \d+ ms\./);
  await expect(check("Media over UDP")).toContainText(/failedUDP \d+ does not get through\./);
  await expect(check("Media over TCP")).toContainText(/failedTCP \d+ does not get through/);
});
