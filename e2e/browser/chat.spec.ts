import { expectAccessible } from "./accessible.ts";
import { expect, test } from "./fixtures.ts";

test("a message to one person reaches nobody else, and both see that it is private", async ({ three }) => {
  const [anna, ben, cara] = three;
  for (const visitor of three) await visitor.button(/^Chat/).click();
  await anna.write("for all");
  await ben.page.getByRole("combobox", { name: "To" }).selectOption("Only Anna");
  await ben.write("only for you");
  const atAnna = anna.chat.getByRole("article").filter({ hasText: "only for you" });
  await expect(atAnna).toContainText("Only you and Ben");
  await expect(ben.chat.getByRole("article").filter({ hasText: "only for you" })).toContainText(
    "Only you and Anna",
  );

  // The answer to it stays between the two, and shows what it answers.
  await atAnna.getByRole("button", { name: "Reply to Ben" }).click();
  await expect(anna.page.getByText("Reply to Ben: only for you")).toBeVisible();
  await expect(anna.page.getByRole("combobox", { name: "To" })).toHaveValue(
    await anna.identityOf(ben.person),
  );
  await expect(anna.page.getByRole("textbox", { name: "Message" })).toBeFocused();
  await anna.write("understood");
  const answer = ben.chat.getByRole("article").filter({ hasText: "understood" });
  await expect(answer).toContainText("Only you and Anna");
  await expect(answer).toContainText("Ben: only for you");
  await expectAccessible(ben.page, "private messages", ["light", "dark"]);

  // A reply to all is read by all; by then Cara would have the others, too.
  await cara.chat.getByRole("article").filter({ hasText: "for all" }).getByRole("button").click();
  await cara.write("thanks");
  await expect(anna.chat).toContainText("thanks");
  await cara.page.reload();
  await cara.join();
  await cara.button(/^Chat/).click();
  await expect(cara.chat).toContainText("thanks");
  await expect(cara.chat).not.toContainText("only for you");
  await expect(cara.chat).not.toContainText("understood");
});
