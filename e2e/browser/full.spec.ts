import { Api } from "../harness/api.ts";
import { ANNA } from "../harness/people.ts";
import { testByLine } from "./by-line.ts";
import { expect } from "./fixtures.ts";

const test = testByLine();

test("a server at its limit is told as such before the call and in it, and takes people in when it has room", async ({
  comeByLine,
  product,
}) => {
  const { meeting_id } = await new Api(product).create();
  const { visitor: anna, line } = await comeByLine(ANNA);
  const told = (text: string | RegExp) => anna.page.getByRole("status").filter({ hasText: text });
  const blocked = "Blocked: the server is at its limit and takes no new calls. Try again in a minute.";

  line.full = true;
  await anna.page.goto(`${line.url}/test`);
  await expect(told(blocked)).toBeVisible();
  const signalling = anna.page.getByRole("listitem").filter({ hasText: "Signalling" });
  await expect(signalling).toContainText("The server is at its limit and takes no new calls.");

  await anna.open(meeting_id);
  await expect(told(blocked)).toBeVisible();
  await anna.join();
  await expect(told("The server is at its limit. This page goes on trying.")).toBeVisible();
  line.full = false;
  await expect(anna.page.getByText("Nobody else is here yet.")).toBeVisible();
});
