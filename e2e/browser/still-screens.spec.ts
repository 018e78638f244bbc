import type { Page } from "@playwright/test";

import { Api } from "../harness/api.ts";
import { ANNA } from "../harness/people.ts";
import { expectAccessible, type Look } from "./accessible.ts";
import { expect, test } from "./fixtures.ts";

/** The screens on which nobody meets: short words, a way on, and the same duties as all others. */
const THEMES: readonly Look[] = ["light", "dark"];

/** What the server says to the questions of these pages; the rest it answers itself. */
type Answers = Partial<Record<"info" | "join" | "exists", { status: number; body: Record<string, unknown> }>>;

/** Puts these answers in the server's mouth, until the next call. */
async function answer(page: Page, answers: Answers): Promise<void> {
  await page.unrouteAll();
  await page.route("**/api/v1/meetings/**", async (route) => {
    const question = new URL(route.request().url()).pathname.split("/").at(-1) as keyof Answers;
    const given = answers[question];
    if (given === undefined) return await route.fallback();
    await route.fulfill({ status: given.status, json: given.body });
  });
}

function refusal(status: number, code: string): { status: number; body: Record<string, unknown> } {
  return { status, body: { status, code, title: code, detail: code, request_id: "req-7" } };
}

test("what keeps people out is accessible in both themes", async ({ arrive, product }) => {
  const api = new Api(product);
  const { meeting_id } = await api.create();
  const anna = await arrive(ANNA);
  const { page } = anna;
  const real = await (await fetch(`${product.home}/api/v1/meetings/${meeting_id}/info`)).json();
  const info = (part: Record<string, unknown>) => ({ info: { status: 200, body: { ...real, ...part } } });
  const states: readonly [heading: string, answers: Answers][] = [
    ["The meeting has ended.", info({ status: "ended" })],
    ["This link is no longer valid", info({ status: "expired" })],
    ["The meeting was cancelled", info({ status: "cancelled" })],
    ["The meeting is full", info({ participant_count: 20 })],
    ["The server could not answer", { info: refusal(500, "internal") }],
  ];
  for (const [heading, answers] of states) {
    await answer(page, answers);
    await anna.open(meeting_id);
    await expect(page.getByRole("heading", { level: 1, name: heading })).toBeVisible();
    await expectAccessible(page, heading, THEMES);
  }
  for (const [heading, code] of [
    ["The host removed you.", "participant_removed"],
    ["The meeting is locked", "meeting_locked"],
  ] as const) {
    await answer(page, { join: refusal(403, code) });
    await anna.open(meeting_id);
    await page.getByRole("textbox", { name: "Your name" }).fill("Anna");
    await anna.button("Join meeting").click();
    await expect(page.getByRole("heading", { level: 1, name: heading })).toBeVisible();
    await expectAccessible(page, heading, THEMES);
  }
});

test("what stands in the way of joining is accessible in both themes", async ({ arrive, product }) => {
  const { meeting_id } = await new Api(product).create({ password: "pine cone" });
  const anna = await arrive(ANNA);
  const { page } = anna;
  await anna.open(meeting_id);
  await page.getByRole("textbox", { name: "Your name" }).fill("Anna");
  await page.getByLabel("Meeting password", { exact: true }).fill("pine nut");
  await anna.button("Join meeting").click();
  await expect(page.getByText("This password is not right.")).toBeVisible();
  await expectAccessible(page, "wrong password", THEMES);
  await answer(page, { join: refusal(500, "token_failed") });
  await anna.button("Join meeting").click();
  await expect(page.getByText("Code req-7")).toBeVisible();
  await expectAccessible(page, "failed join", THEMES);

  const blocked = (await arrive(ANNA)).page;
  await blocked.addInitScript(() => {
    navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException("no", "NotAllowedError"));
  });
  await blocked.goto(`${product.home}/meeting/${meeting_id}`);
  await expect(blocked.getByRole("alert").filter({ hasText: "blocked" }).first()).toBeVisible();
  await expectAccessible(blocked, "blocked camera", THEMES);

  const insecure = (await arrive(ANNA)).page;
  await insecure.addInitScript(() => Object.defineProperty(window, "isSecureContext", { value: false }));
  await insecure.goto(`${product.home}/meeting/${meeting_id}`);
  await expect(insecure.getByText("need a secure address")).toBeVisible();
  await expectAccessible(insecure, "plain http", THEMES);
});

test("the pages about this server are accessible in both themes", async ({ arrive, product }) => {
  const { page } = await arrive(ANNA);
  for (const path of ["/nothing/here", "/privacy", "/accessibility", "/docs", "/docs/errors"]) {
    await page.goto(product.home + path);
    await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
    await expectAccessible(page, path, THEMES);
  }
});

test("who joins in another tab chooses whose place that is; the first is told so, and can go on there", async ({
  arrive,
  product,
}) => {
  const { meeting_id } = await new Api(product).create();
  const anna = await arrive(ANNA);
  await anna.enter(meeting_id);
  const other = await anna.context.newPage();
  await other.goto(`${product.home}/meeting/${meeting_id}`);
  await other.getByRole("textbox", { name: "Your name" }).fill("Anna");
  await expect(other.getByRole("button", { name: "Join as second device" })).toBeVisible();
  await expectAccessible(other, "already in", THEMES);
  await other.getByRole("button", { name: "Join here and leave the other device" }).click();
  await expect(anna.page.getByRole("heading", { name: "You joined on another device." })).toBeVisible();
  await expectAccessible(anna.page, "other device", THEMES);
  const third = await anna.context.newPage();
  await third.goto(`${product.home}/meeting/${meeting_id}`);
  await third.getByRole("button", { name: "Join as second device" }).focus();
  await anna.button("Continue here").click();
  await expect(anna.tiles).toHaveCount(1);
  await expect(other.getByRole("heading", { name: "You joined on another device." })).toBeVisible();
  await third.getByRole("button", { name: "Join as second device" }).focus();
  await anna.page.close();
  await expect(third.getByRole("button", { name: "Join meeting" })).toBeFocused();
});
