import { mkdir } from "node:fs/promises";

import { type Browser, expect, type Page, test } from "@playwright/test";

import { servePage } from "../harness/page.ts";
import { present } from "../harness/present.ts";
import { oneProcess, type Product } from "../harness/product.ts";
import { FOLDER, type Language, LOCALES, shoot as picture } from "./camera.ts";
import { SITTERS, sitForPortrait } from "./portrait.ts";

/**
 * The states of the screens outside the call that a healthy server does not show by itself. The pages are the real
 * ones; what the server says is put in its mouth.
 */

const CODE = "abc-defg-hjk";

const info = {
  meeting_id: CODE,
  meeting_url: `https://meet.example/meeting/${CODE}`,
  name: "Planning round",
  status: "active",
  created_at: "2026-11-20T09:00:00Z",
  expires_at: "2026-11-21T09:00:00Z",
  scheduled_start: null,
  scheduled_end: null,
  participant_count: 0,
  max_participants: 20,
  password_required: false,
  waiting_room: false,
  recording_active: false,
  consent: "notice",
  platform: "heydok",
};

interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Record<string, string>;
}

const ok = (body: unknown): Answer => ({ status: 200, body });

function problem(status: number, code: string, headers: Record<string, string> = {}): Answer {
  return { status, headers, body: { status, code, title: code, detail: code, request_id: "01JD4Q7" } };
}

/** What the server says to each question; one about a meeting that has no answer here never gets one. */
type Answers = Partial<Record<"config" | "info" | "participants" | "join" | "create" | "selftest", Answer>>;

interface State {
  readonly name: string;
  readonly address?: string;
  /** The server answers for itself. */
  readonly healthy?: true;
  readonly answers?: Answers;
  /** Browser without devices that work: the error that getUserMedia gives. */
  readonly deviceError?: string;
  /** What a person does before the picture. */
  readonly act?: (page: Page) => Promise<void>;
}

const MEETING = `/meeting/${CODE}`;
const names = ["Anna Lindqvist", "Ben Okafor", "Chiara Rossi", "Dana Levi", "Emre Demir"];
const people = {
  meeting_id: CODE,
  count: names.length,
  participants: names.map((display_name, index) => ({ participant_id: `guest-${index}`, display_name })),
};
const open: Answers = { info: ok(info), participants: ok({ ...people, count: 0, participants: [] }) };

const closed = ok({
  features: { anonymous_create: false },
  support_url: "https://help.meet.example/heydok",
});

/** A test room where nobody answers. */
const deaf: Answer = {
  status: 201,
  body: { id: "x", livekit_url: "ws://localhost:1", tokens: ["a", "b"], udp_port: 7882, tcp_port: 7881 },
};
const busy = problem(503, "capacity", { "Retry-After": "30" });
const judged = async (page: Page) =>
  await expect(page.locator("main").getByRole("button").first()).toBeVisible({ timeout: 60_000 });
const lineChecked = async (page: Page) =>
  await expect(page.locator('[role=status][data-kind]:not([data-kind="running"])')).toBeVisible();

const pressJoin = (page: Page) => page.locator("button[type=submit]").last().click();
const typeCode = async (page: Page) => {
  await page.getByRole("textbox").fill(CODE);
  await expect(page.locator("[aria-invalid=true]")).toBeVisible();
};
const joinAs = async (page: Page) => {
  await page.locator("#displayName").fill("Anna");
  await pressJoin(page);
  await expect(page.locator("main [role=alert]")).toBeVisible();
};

const STATES: readonly State[] = [
  {
    name: "landing-unknown",
    address: "/",
    answers: { info: problem(404, "meeting_not_found") },
    act: typeCode,
  },
  {
    name: "landing-expired",
    address: "/",
    answers: { info: ok({ ...info, status: "expired" }) },
    act: typeCode,
  },
  {
    name: "landing-create-limited",
    address: "/",
    answers: { create: problem(429, "rate_limited", { "Retry-After": "42" }) },
    act: async (page) => {
      await page.locator("main button").first().click();
      await expect(page.locator("main [role=alert]")).toBeVisible();
    },
  },
  {
    name: "landing-no-creation",
    address: "/",
    answers: { config: closed },
    act: async (page) => await expect(page.getByRole("textbox")).toBeFocused(),
  },
  {
    name: "landing-language-menu",
    address: "/",
    act: async (page) => {
      await page.locator("header button").first().click();
      await expect(page.getByRole("menu")).toBeVisible();
    },
  },
  {
    name: "landing-theme-menu",
    address: "/",
    act: async (page) => {
      await page.getByRole("banner").getByRole("button").last().click();
      await expect(page.getByRole("menu")).toBeVisible();
    },
  },
  {
    name: "landing-offline",
    address: "/",
    act: async (page) => {
      await page.context().setOffline(true);
      await expect(page.locator("main button[aria-disabled=true]").first()).toBeVisible();
    },
  },
  { name: "problem-expired", answers: { info: ok({ ...info, status: "expired" }) } },
  { name: "problem-cancelled", answers: { info: ok({ ...info, status: "cancelled" }) } },
  { name: "problem-full", answers: { info: ok({ ...info, participant_count: 20 }) } },
  { name: "problem-limited", answers: { info: problem(429, "rate_limited", { "Retry-After": "42" }) } },
  { name: "problem-server", answers: { info: problem(500, "internal") } },
  { name: "problem-support", answers: { info: problem(500, "internal"), config: closed } },
  {
    name: "problem-locked",
    answers: { ...open, join: problem(403, "meeting_locked") },
    act: async (page) => {
      await page.locator("#displayName").fill("Anna");
      await pressJoin(page);
      await expect(page.locator("#displayName")).toHaveCount(0);
    },
  },
  { name: "not-found", address: "/nothing/here" },
  { name: "accessibility", address: "/accessibility" },
  { name: "privacy", address: "/privacy" },
  { name: "test-good", address: "/test", healthy: true, act: judged },
  { name: "test-running", address: "/test", answers: {} },
  { name: "test-busy", address: "/test", answers: { selftest: busy }, act: judged },
  {
    name: "test-blocked",
    address: "/test",
    answers: { selftest: deaf },
    deviceError: "NotAllowedError",
    act: judged,
  },
  {
    name: "prejoin-looking",
    answers: {},
    act: async (page) => await expect(page.locator("main p")).toBeVisible(),
  },
  { name: "prejoin-line-blocked", answers: { ...open, selftest: deaf }, act: lineChecked },
  {
    name: "prejoin-people",
    answers: { info: ok({ ...info, participant_count: 5 }), participants: ok(people) },
  },
  {
    name: "prejoin-nearly-full",
    answers: { info: ok({ ...info, participant_count: 5, max_participants: 6 }), participants: ok(people) },
  },
  { name: "prejoin-host", address: `${MEETING}#host=${"k".repeat(43)}`, answers: open },
  {
    name: "prejoin-nameless",
    answers: open,
    act: async (page) => {
      await pressJoin(page);
      await expect(page.locator("[aria-invalid=true]")).toBeVisible();
    },
  },
  { name: "prejoin-blocked", answers: open, deviceError: "NotAllowedError" },
  { name: "prejoin-in-use", answers: open, deviceError: "NotReadableError" },
  { name: "prejoin-no-devices", answers: open, deviceError: "NotFoundError" },
  { name: "prejoin-join-failed", answers: { ...open, join: problem(500, "token_failed") }, act: joinAs },
  {
    name: "prejoin-server-busy",
    answers: { ...open, join: problem(503, "capacity", { "Retry-After": "30" }) },
    act: joinAs,
  },
  {
    name: "prejoin-offline",
    answers: open,
    act: async (page) => {
      await page.locator("#displayName").fill("Anna");
      await page.context().setOffline(true);
      await pressJoin(page);
      await expect(page.locator("button[type=submit][aria-disabled=true]").last()).toBeVisible();
    },
  },
];

function failDevices(name: string): void {
  const { mediaDevices } = navigator;
  mediaDevices.getUserMedia = () => Promise.reject(new DOMException("not now", name));
  mediaDevices.enumerateDevices = () => Promise.resolve([]);
}

async function answer(page: Page, answers: Answers): Promise<void> {
  await page.route("**/api/v1/**", async (route) => {
    const question = new URL(route.request().url()).pathname.split("/").at(-1) ?? "";
    const given = answers[question as keyof Answers];
    if (given === undefined && question === "config") return await route.fallback();
    // Without an answer the request stays open, as with a server that hangs.
    if (given === undefined) return;
    await route.fulfill({
      status: given.status,
      headers: { "content-type": "application/json", ...given.headers },
      body: JSON.stringify(given.body),
    });
  });
}

async function shoot(browser: Browser, home: string, state: State, language: Language): Promise<void> {
  const context = await browser.newContext({
    locale: LOCALES[language],
    permissions: ["camera", "microphone", "clipboard-write"],
    reducedMotion: "reduce",
  });
  if (state.deviceError) await context.addInitScript(failDevices, state.deviceError);
  else await context.addInitScript(sitForPortrait, present(SITTERS[0], "Anna"));
  await servePage(context);
  const page = await context.newPage();
  if (!state.healthy) await answer(page, state.answers ?? {});
  await page.setViewportSize({ width: 1280, height: 800 });
  await page.goto(home + (state.address ?? MEETING));
  await expect(page.getByRole("heading", { level: 1 })).toBeAttached();
  if (state.name.startsWith("prejoin") && state.answers?.info)
    await expect(page.locator("#displayName")).toBeVisible();
  await state.act?.(page);
  await picture(page, language, state.name, { fullPage: true });
  await context.close();
}

for (const language of ["en", "de"] as const) {
  test.describe(`outside the call in ${language}`, () => {
    let product: Product;
    test.beforeAll(async () => {
      await mkdir(FOLDER, { recursive: true });
      product = await oneProcess();
    });
    test.afterAll(() => product.stop());
    for (const state of STATES)
      test(state.name, ({ browser }) => shoot(browser, product.home, state, language));
  });
}
