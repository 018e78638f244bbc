import { expect, test } from "vitest";
import { programOf, UpdateWatch } from "./update";

const page = (program: string) =>
  `<!doctype html><script src="/boot.js"></script><script type="module" crossorigin src="${program}"></script>`;

function setUp(running: string | null = "/assets/index-a.js") {
  const server = { page: page("/assets/index-a.js") as string | null, asked: 0, now: 0 };
  const watch = new UpdateWatch(running, {
    fetchPage: async () => {
      server.asked += 1;
      return server.page;
    },
    now: () => server.now,
  });
  return { server, watch };
}

test("the program of a page is its module script", () => {
  expect(programOf(page("/assets/index-a.js"))).toBe("/assets/index-a.js");
  expect(programOf("<p>Bad gateway</p>")).toBeNull();
});

test("another program on the server is a newer build, and stays so", async () => {
  const { server, watch } = setUp();
  await watch.check();
  expect(watch.ready.value).toBe(false);
  server.page = page("/assets/index-b.js");
  server.now += 60_000;
  await watch.check();
  expect(watch.ready.value).toBe(true);
  server.now += 60_000;
  await watch.check();
  expect(server.asked).toBe(2);
});

test("a server that does not answer, or a proxy's own page, is no newer build", async () => {
  for (const answer of [null, "<h1>502 Bad Gateway</h1>"]) {
    const { server, watch } = setUp();
    server.page = answer;
    await watch.check();
    expect(watch.ready.value).toBe(false);
  }
});

test("the server is asked once a minute at most", async () => {
  const { server, watch } = setUp();
  await watch.check();
  server.now += 59_999;
  await watch.check();
  expect(server.asked).toBe(1);
});
