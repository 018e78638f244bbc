import { Api } from "../harness/api.ts";
import { eventually } from "../harness/eventually.ts";
import { ANNA, BEN, CARA } from "../harness/people.ts";
import { freeUdpPort } from "../harness/ports.ts";
import { oneProcess } from "../harness/product.ts";
import { judgeDuration } from "./duration.ts";
import { testWith } from "./fixtures.ts";
import { mediaPaths } from "./reception.ts";
import { rerouteMedia } from "./rerouted.ts";
import { expectAllWell, type Visitor } from "./visitor.ts";

const test = testWith(async () =>
  // All UDP goes where nobody answers.
  oneProcess({ settings: { RTC_ADVERTISED_UDP_PORT: `${await freeUdpPort()}` } }),
);

test("where neither UDP nor ICE-TCP gets through, the call goes over the server's own relay", async ({
  arrive,
  product,
}) => {
  const { meeting_id } = await new Api(product).create();
  const group: Visitor[] = [];
  for (const person of [ANNA, BEN, CARA]) {
    const visitor = await arrive(person);
    group.push(visitor);
    await visitor.context.addInitScript(rerouteMedia, { noIceTcp: person !== CARA });
    await visitor.open(meeting_id);
    const began = performance.now();
    await visitor.join();
    const way = person === CARA ? "tcp" : "relay tcp";
    const ways = async () => (await mediaPaths(visitor.page)).map((path) => path.replace(/^tcp \d+$/, "tcp"));
    await eventually(`${person.name}'s way`, ways, [way]);
    judgeDuration(`${person.name} is in the call by ${way}`, began, { budget: 10, most: 20 });
  }
  await expectAllWell(group);
});
