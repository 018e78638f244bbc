import { Api } from "../harness/api.ts";
import { doctor } from "../harness/doctor.ts";
import { openFirewall } from "../harness/firewall.ts";
import { ANNA, BEN } from "../harness/people.ts";
import { oneProcess } from "../harness/product.ts";
import { expectAccessible } from "./accessible.ts";
import { expect, test, testWith } from "./fixtures.ts";
import type { Visitor } from "./visitor.ts";

/** A way that is blocked is given up after six seconds, and a test may meet several. */
const WHOLE_TEST = { timeout: 90_000 };

const verdictOf = ({ page }: Visitor, text: string | RegExp) =>
  page.getByRole("status").filter({ hasText: text });
const checkOf = ({ page }: Visitor, name: string) =>
  page.getByRole("list", { name: "Checks" }).getByRole("listitem").filter({ hasText: name });

test("the self-test measures a real call among three, says that all is ready, and has a report", async ({
  arrive,
  product,
}) => {
  const anna = await arrive(ANNA);
  await anna.page.goto(`${product.home}/test`);
  await expect(anna.page.getByRole("heading", { level: 1 })).toHaveText("Test device and connection");
  await expect(verdictOf(anna, "Ready for video")).toBeVisible(WHOLE_TEST);
  const items = anna.page.getByRole("list", { name: "Checks" }).getByRole("listitem");
  await expect(items).toHaveCount(13);
  const said = await items.allTextContents();
  expect(said.filter((item) => /passed|with a remark/.test(item)).length).toBeGreaterThanOrEqual(9);
  expect(said.filter((item) => item.includes("failed"))).toEqual([]);
  await expect(checkOf(anna, "Media over UDP")).toContainText(/passedConnected after \d+ ms\./);
  await expect(checkOf(anna, "Media over TCP")).toContainText(/passedConnected after \d+ ms\./);
  await expect(checkOf(anna, "Upload")).toContainText(/\d+ kbit\/s, enough for video\./);
  await expect(checkOf(anna, "Download")).toContainText(/\d+ kbit\/s, enough for video\./);
  await expect(checkOf(anna, "Three participants")).toContainText("6 of 6 ways");

  await anna.button("Copy report").click();
  const report = await anna.page.evaluate(() => navigator.clipboard.readText());
  expect(report.split("\n")[0]).toBe("Ready for video");
  for (const item of [
    "Secure page: passed",
    "Signalling: passed",
    "Media over UDP: passed",
    "Upload: passed",
  ])
    expect(report).toContain(item);
  expect(report).not.toMatch(/\d+\.\d+\.\d+\.\d+:\d+/);
  const saved = anna.page.waitForEvent("download");
  await anna.button("Save report").click();
  expect((await saved).suggestedFilename()).toBe("heydok-test.txt");
  await expectAccessible(anna.page, "the self-test");
});

test("the self-test names a blocked camera and says so in German too", async ({ arrive, product }) => {
  const anna = await arrive(ANNA, { locale: "de-DE" });
  await anna.context.addInitScript(() => {
    const { mediaDevices } = navigator;
    const open = mediaDevices.getUserMedia.bind(mediaDevices);
    mediaDevices.getUserMedia = (wanted) =>
      wanted?.video ? Promise.reject(new DOMException("", "NotFoundError")) : open(wanted);
  });
  await anna.page.goto(`${product.home}/test`);
  await expect(verdictOf(anna, "Besser nur Ton: hier funktioniert keine Kamera.")).toBeVisible(WHOLE_TEST);
  const camera = anna.page.getByRole("list", { name: "Prüfungen" }).getByRole("listitem").nth(3);
  await expect(camera).toContainText("nicht bestanden");
  await expect(camera).toContainText("Schließen Sie eines an");
});

test("before joining the connection is tested by itself, and joining does not wait for it", async ({
  arrive,
  product,
}) => {
  const { meeting_id } = await new Api(product).create();
  const anna = await arrive(ANNA);
  await anna.open(meeting_id);
  await expect(verdictOf(anna, "Ready for video")).toBeVisible();
  await expect(anna.page.getByRole("link", { name: "Details and report" })).toHaveAttribute("href", "/test");
  await expectAccessible(anna.page, "pre-join with a tested line");

  // Whoever joins at once ends the test: no connection of it is left behind.
  const ben = await arrive(BEN);
  const left: string[] = [];
  ben.page.on("request", (request) => {
    if (request.method() === "DELETE") left.push(new URL(request.url()).pathname);
  });
  const opened = ben.page.waitForResponse((response) => response.url().endsWith("/api/v1/selftest"));
  await ben.open(meeting_id);
  await opened;
  await ben.join();
  await expect.poll(() => left.filter((path) => path.startsWith("/api/v1/selftest/")).length).toBe(1);
});

const behindFirewall = testWith(async () => {
  const firewall = await openFirewall();
  const port = firewall.udpPort;
  const product = await oneProcess({ settings: { RTC_ADVERTISED_UDP_PORT: `${port}` } });
  const stop = async () => {
    await product.stop();
    firewall.close();
  };
  return { ...product, stop, port };
});

behindFirewall(
  "where no UDP gets through, page and doctor say so before the call, in the test, and in the call",
  async ({ arrive, product }) => {
    const { meeting_id } = await new Api(product).create();
    const anna = await arrive(ANNA);
    await anna.page.goto(`${product.home}/test`);
    const verdict = /Better audio only: UDP does not get through, and over TCP pictures may stutter\./;
    await expect(verdictOf(anna, verdict)).toBeVisible(WHOLE_TEST);
    await expect(checkOf(anna, "Media over UDP")).toContainText(/failedUDP \d+ does not get through\./);
    await expect(checkOf(anna, "Media over TCP")).toContainText("passed");
    await anna.open(meeting_id);
    await expect(verdictOf(anna, verdict)).toBeVisible();
    await anna.join();
    await anna.button("More options").click();
    await anna.button("Settings").click();
    await anna.page.getByRole("tab", { name: "Connection" }).click();
    await expect(anna.page.getByRole("tabpanel", { name: "Connection" })).toContainText("TCP – may stutter");

    const found = await doctor(product.home);
    const failed = found.filter(({ state }) => state === "failed");
    expect(failed.map(({ id }) => id)).toEqual(["udp"]);
    for (const { text } of failed) {
      expect(text.en).toContain(`${product.port}`);
      expect(text.de).toContain(`${product.port}`);
    }
    expect(found.find(({ id }) => id === "three_party_media")?.state).toBe("passed");
  },
);
