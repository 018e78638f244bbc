import { type BrowserContextOptions, test as base, expect } from "@playwright/test";

import { Api } from "../harness/api.ts";
import { ANNA, BEN, CARA, type Person } from "../harness/people.ts";
import { oneProcess, type Product } from "../harness/product.ts";
import { Visitor } from "./visitor.ts";

interface Fixtures {
  /**
   * Brings a person with an own browser to the product. When the test is over the browser closes, and the test fails
   * if a page asked any host but the product's own.
   */
  arrive: (person: Person, options?: BrowserContextOptions) => Promise<Visitor>;
  /** Anna, Ben and Cara in a new meeting, each of whom has the tiles of all. */
  three: readonly [anna: Visitor, ben: Visitor, cara: Visitor];
}

interface WorkerFixtures {
  /** One `heydok serve` for all tests that do not need another one. */
  product: Product;
}

/** A product that runs as long as its worker does. */
function runs<P extends Product>(start: () => Promise<P>) {
  return [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the names of a fixture's needs from this pattern.
    async ({}: object, use: (product: P) => Promise<void>) => {
      const product = await start();
      await use(product);
      await product.stop();
    },
    { scope: "worker" },
  ] as [(needs: object, use: (product: P) => Promise<void>) => Promise<void>, { scope: "worker" }];
}

export const test = base.extend<Fixtures, WorkerFixtures>({
  product: runs(() => oneProcess()),

  arrive: async ({ browser, product }, use) => {
    const visitors: Visitor[] = [];
    await use(async (person, options) => {
      const visitor = await Visitor.arrive(browser, product, person, options);
      visitors.push(visitor);
      return visitor;
    });
    const foreign = visitors.flatMap(({ foreignRequests }) => foreignRequests);
    for (const { context } of visitors) await context.close();
    if (foreign.length > 0) throw new Error(`requests to foreign hosts: ${foreign.join(", ")}`);
  },

  three: async ({ arrive, product }, use) => {
    const { meeting_id } = await new Api(product).create();
    const three = [await arrive(ANNA), await arrive(BEN), await arrive(CARA)] as const;
    for (const visitor of three) await visitor.enter(meeting_id);
    for (const { tiles } of three) await expect(tiles).toHaveCount(3);
    await use(three);
  },
});

/** The same for tests that need another product. */
export function testWith<P extends Product>(start: () => Promise<P>) {
  return test.extend<object, { product: P }>({ product: runs(start) });
}

export { expect } from "@playwright/test";
