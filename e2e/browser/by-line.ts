import { Api } from "../harness/api.ts";
import { Line } from "../harness/line.ts";
import { ANNA, BEN, CARA, type Person } from "../harness/people.ts";
import { freeUdpPort } from "../harness/ports.ts";
import { oneProcess } from "../harness/product.ts";
import { SEED } from "../harness/random.ts";
import { testWith } from "./fixtures.ts";
import { type Route, rerouteMedia } from "./rerouted.ts";
import { Visitor } from "./visitor.ts";

/** A visitor whose page, signalling and media all come over one line. */
export interface Guest {
  readonly visitor: Visitor;
  readonly line: Line;
}

/** Tests of the product's own page over lines that they can spoil. Other settings on top. */
export function testByLine(settings: Record<string, string> = {}) {
  const started = testWith(async () => {
    const udpPort = await freeUdpPort();
    const product = await oneProcess({ settings: { RTC_UDP_PORT: `${udpPort}`, ...settings } });
    return { ...product, udpPort };
  });
  return started.extend<{
    /** Brings a person to the product over a line of their own. */
    comeByLine: (person: Person, firewall?: Omit<Route, "udpPort">) => Promise<Guest>;
    /** Brings Anna, Ben and Cara into a new meeting, each over a line of their own. */
    threeByLine: () => Promise<readonly [anna: Guest, ben: Guest, cara: Guest]>;
  }>({
    comeByLine: async ({ browser, product }, use, testInfo) => {
      const guests: Guest[] = [];
      await use(async (person, firewall = {}) => {
        const ports = { http: Number(new URL(product.home).port), udp: product.udpPort };
        const line = await Line.open(ports, guests.length);
        const visitor = await Visitor.arrive(browser, { home: line.url, livekitUrl: line.url }, person);
        await visitor.context.addInitScript(rerouteMedia, { udpPort: line.udpPort, ...firewall });
        guests.push({ visitor, line });
        return { visitor, line };
      });
      if (testInfo.status !== testInfo.expectedStatus) console.log(`RELAY_SEED=${SEED}`);
      for (const { visitor, line } of guests) {
        await visitor.context.close();
        line.close();
      }
      const foreign = guests.flatMap(({ visitor }) => visitor.foreignRequests);
      if (foreign.length > 0) throw new Error(`requests past the lines: ${foreign.join(", ")}`);
    },

    threeByLine: async ({ comeByLine, product }, use) => {
      await use(async () => {
        const { meeting_id } = await new Api(product).create();
        const three = [await comeByLine(ANNA), await comeByLine(BEN), await comeByLine(CARA)] as const;
        for (const { visitor } of three) await visitor.enter(meeting_id);
        return three;
      });
    },
  });
}
