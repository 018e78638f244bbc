import { Api } from "../harness/api.ts";
import { ANNA, BEN, CARA } from "../harness/people.ts";
import { expect, test } from "./fixtures.ts";

test("meetings that cannot be joined each say so in their own words, with a way on", async ({
  arrive,
  product,
}) => {
  const api = new Api(product);
  const anna = await arrive(ANNA);
  const heading = anna.page.getByRole("heading", { level: 1 });
  const wayOn = anna.page
    .getByRole("main")
    .getByRole("link")
    .or(anna.page.getByRole("main").getByRole("button"));
  const words = new Set<string>();

  const expectOwnWords = async () => {
    await expect(anna.page.getByRole("textbox", { name: "Your name" })).toHaveCount(0);
    await expect(heading).toBeVisible();
    const text = (await heading.textContent()) ?? "";
    expect(text).not.toMatch(/something went wrong/i);
    expect(words).not.toContain(text);
    words.add(text);
    await expect(wayOn.first()).toBeVisible();
  };

  await test.step("an unknown one", async () => {
    await anna.open("zzz-zzzz-zzz");
    await expectOwnWords();
  });

  await test.step("one that has ended", async () => {
    const meeting = await api.create();
    await api.end(meeting);
    await anna.open(meeting.meeting_id);
    await expectOwnWords();
  });

  await test.step("a full one, which opens again when someone leaves", async () => {
    const { meeting_id } = await api.create({ max_participants: 2 });
    const ben = await arrive(BEN);
    await ben.enter(meeting_id);
    const second = await arrive(CARA);
    await second.enter(meeting_id);
    // The door knows of both once the media server has told it.
    await expect.poll(async () => (await api.participants(meeting_id)).length).toBe(2);
    await anna.open(meeting_id);
    await expectOwnWords();
    await expect(anna.page.getByRole("heading", { name: "The meeting is full" })).toBeVisible();
    await expect(anna.tiles).toHaveCount(0);
    await second.leave();
    await expect.poll(async () => (await api.participants(meeting_id)).length).toBe(1);
    // The page may show what it knew for some seconds; people open the link again.
    await expect(async () => {
      await anna.open(meeting_id);
      await expect(anna.page.getByRole("textbox", { name: "Your name" })).toBeVisible({ timeout: 3_000 });
    }).toPass({ timeout: 60_000 });
    await anna.join();
    await expect(anna.tiles).toHaveCount(2);
  });
});

test("a meeting with a password lets in who knows it, and a wrong one costs nothing else", async ({
  arrive,
  product,
}) => {
  const meeting = await new Api(product).create({ password: "pine cone" });
  const anna = await arrive(ANNA);
  const { page } = anna;
  const password = page.getByLabel("Meeting password", { exact: true });
  await anna.open(meeting.meeting_id);
  await page.getByRole("textbox", { name: "Your name" }).fill("Anna");
  await anna.button("Turn camera off").click();
  await anna.button("Join meeting").click();
  await expect(password).toBeFocused();
  await expect(password).toHaveAccessibleDescription(/Enter the meeting's password/);

  await password.fill("pine nut");
  await password.press("Enter");
  await expect(password).toHaveAccessibleDescription(/This password is not right/);
  await expect(password).toBeFocused();
  await expect(password).toHaveValue("pine nut");
  await anna.button("Show password").click();
  await expect(page.getByRole("textbox", { name: "Meeting password" })).toHaveValue("pine nut");
  await expect(page.getByRole("textbox", { name: "Your name" })).toHaveValue("Anna");
  await expect(anna.button("Turn camera on")).toBeVisible();

  await password.fill("pine cone");
  await password.press("Enter");
  await expect(anna.tiles).toHaveCount(1);
  await expect(anna.button("Turn camera on")).toBeVisible();
  // Who was in comes back without it, and the host never needs it.
  await page.reload();
  await expect(page.getByRole("textbox", { name: "Your name" })).toBeVisible();
  await expect(password).toHaveCount(0);
  await anna.join();
  const ben = await arrive(BEN);
  await ben.page.goto(`${product.home}/meeting/${meeting.meeting_id}#host=${meeting.host_key}`);
  await ben.join();
  await expect(ben.tiles).toHaveCount(2);
});

test("a host link that is not this meeting's says so once, and its holder joins as a guest", async ({
  arrive,
  product,
}) => {
  const api = new Api(product);
  const [meeting, other] = [await api.create(), await api.create()];
  const anna = await arrive(ANNA);
  const { page } = anna;
  await page.goto(`${product.home}/meeting/${meeting.meeting_id}#host=${other.host_key}`);
  await expect(page.getByText("You are the host")).toBeVisible();
  await page.getByRole("textbox", { name: "Your name" }).fill("Anna");
  await anna.button("Join meeting").click();
  await expect(page.getByRole("alert").filter({ hasText: "This host link is not valid" })).toBeVisible();
  await expect(page.getByText("You are the host")).toHaveCount(0);
  await anna.button("Join meeting").click();
  await expect(anna.tiles).toHaveCount(1);
  await anna.button("Leave meeting").click();
  await expect(page.getByRole("heading", { name: "You left." })).toBeVisible();
});

test("a meeting that the host ends is over for everyone in it", async ({ arrive, product }) => {
  const api = new Api(product);
  const meeting = await api.create();
  const [anna, ben] = [await arrive(ANNA), await arrive(BEN)];
  await anna.enter(meeting.meeting_id);
  await ben.enter(meeting.meeting_id);
  await expect(anna.tiles).toHaveCount(2);
  await api.end(meeting);
  for (const { page } of [anna, ben])
    await expect(page.getByRole("heading", { name: "The meeting has ended." })).toBeVisible();
});

test("the landing page takes codes and links in every form people paste", async ({ arrive, product }) => {
  const anna = await arrive(ANNA);
  const { meeting_id: code } = await new Api(product).create();
  const letters = code.replaceAll("-", "");
  const forms = [
    code,
    letters.toUpperCase(),
    `${letters.slice(0, 3)} ${letters.slice(3, 7)} ${letters.slice(7)}`,
    `${product.home}/meeting/${code}`,
    `${product.home}/meeting.html?id=${code}`,
  ];
  for (const form of forms) {
    await anna.page.goto(product.home);
    await anna.page.getByRole("textbox", { name: "Meeting code or link" }).fill(form);
    await anna.button("Join").click();
    await expect(anna.page).toHaveURL(new RegExp(`/meeting/${code}$`));
  }
  await anna.page.goto(product.home);
  await anna.page.getByRole("textbox", { name: "Meeting code or link" }).fill("zzz-zzzz-zzz");
  await expect(
    // The words stand at the field; they are also announced.
    anna.page.getByText("No meeting has this code. Check the last group of letters.").first(),
  ).toBeVisible();
});

test("a name is asked for, kept, and never a reason to crash", async ({ arrive, product }) => {
  const anna = await arrive(ANNA);
  const { meeting_id } = await new Api(product).create();
  await anna.open(meeting_id);
  const name = anna.page.getByRole("textbox", { name: "Your name" });
  await anna.button("Join meeting").click();
  await expect(name).toHaveAttribute("aria-invalid", "true");
  await expect(name).toBeFocused();
  await expect(name).toHaveAccessibleDescription(/Enter your name so others know who you are\./);
  const odd = "<img src=x onerror=alert(1)> 𝒜nna";
  await name.fill(odd);
  await anna.button("Join meeting").click();
  await expect(anna.tiles.filter({ hasText: odd })).toHaveCount(1);
  await anna.page.reload();
  await expect(name).toHaveValue(odd);
});
