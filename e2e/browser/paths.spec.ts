import { Api } from "../harness/api.ts";
import { eventually } from "../harness/eventually.ts";
import { ANNA, BEN, CARA } from "../harness/people.ts";
import { testByLine } from "./by-line.ts";
import { judgeDuration } from "./duration.ts";
import { mediaPaths } from "./reception.ts";
import { expectAllWell, type Visitor } from "./visitor.ts";

const test = testByLine();

/** The protocols of the page's connections. */
const protocols = async ({ page }: Visitor) => (await mediaPaths(page)).map((path) => path.split(" ")[0]);

test("where no UDP gets through, the call goes over TCP by itself", async ({ comeByLine, product }) => {
  const { meeting_id } = await new Api(product).create();
  const group: Visitor[] = [];
  for (const person of [ANNA, BEN, CARA]) {
    const { visitor, line } = await comeByLine(person);
    group.push(visitor);
    line.become({ dead: true });
    await visitor.open(meeting_id);
    const began = performance.now();
    await visitor.join();
    await eventually(`${person.name}'s way`, () => protocols(visitor), ["tcp"]);
    judgeDuration(`${person.name} is in the call over TCP`, began, { budget: 10, most: 20 });
  }
  await expectAllWell(group);
});

test("a call whose UDP dies goes on over TCP", async ({ threeByLine }) => {
  const guests = await threeByLine();
  const group = guests.map(({ visitor }) => visitor);
  await expectAllWell(group);
  const [, { visitor: ben, line }] = guests;
  await eventually("Ben's way", () => protocols(ben), ["udp"]);
  line.become({ dead: true });
  const cut = performance.now();
  // The browser itself gives up a dead way after twenty seconds and more; the page does not wait for that.
  await eventually("Ben's other way", () => protocols(ben), ["tcp"], 30_000);
  await expectAllWell(group);
  judgeDuration("all see and hear each other over TCP", cut, { budget: 10, most: 45 });
});
