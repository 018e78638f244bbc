import { expect, type Page } from "@playwright/test";

import { FOLDER, type Language, shoot, theme, WIDTHS } from "./camera.ts";

/** The names of what is pressed in a call, in both languages. */
export const WORDS = {
  en: {
    name: "Your name",
    join: "Join meeting",
    more: "More options",
    settings: "Settings",
    sounds: "Sounds and notices",
    connection: "Connection",
    shortcuts: "Keyboard shortcuts",
    people: /^People/,
    chat: /^Chat/,
    message: "Message",
    leave: "Leave meeting",
    endForAll: "End for everyone",
    share: "Share screen",
    mute: "Mute microphone",
    cameraOff: "Turn camera off",
    cameraOn: "Turn camera on",
    audioOnly: "Audio only",
    pictures: "Show pictures again",
    noSound: "No sound from Ben",
    endForPeople: /^End for \d/,
    microphoneDevices: "Microphone and speaker",
    lines: [
      "Shall we start with the plan?",
      "Yes. The figures are on page 4 – https://example.org/plan, and the old ones beside them.",
      "One moment, I am looking for them.",
    ],
  },
  de: {
    name: "Ihr Name",
    join: "Meeting beitreten",
    more: "Weitere Optionen",
    settings: "Einstellungen",
    sounds: "Töne und Hinweise",
    connection: "Verbindung",
    shortcuts: "Tastenkürzel",
    people: /^Teilnehmende/,
    chat: /^Chat/,
    message: "Nachricht",
    leave: "Meeting verlassen",
    endForAll: "Für alle beenden",
    share: "Bildschirm teilen",
    mute: "Mikrofon stummschalten",
    cameraOff: "Kamera ausschalten",
    cameraOn: "Kamera einschalten",
    audioOnly: "Nur Ton",
    pictures: "Bilder wieder zeigen",
    noSound: "Kein Ton von Ben",
    endForPeople: /^Für \d/,
    microphoneDevices: "Mikrofon und Lautsprecher",
    lines: [
      "Fangen wir mit dem Plan an?",
      "Ja. Die Zahlen stehen auf Seite 4 – https://example.org/plan, daneben die alten Zwischenergebnisse.",
      "Einen Moment, ich suche sie gerade.",
    ],
  },
};

/** Who takes pictures of a call: the page in the pictures, and the others in it. */
export class Shooting {
  constructor(
    readonly page: Page,
    readonly others: readonly Page[],
    readonly language: Language,
  ) {}

  get words() {
    return WORDS[this.language];
  }

  button(name: string | RegExp) {
    return this.page.getByRole("button", { name }).first();
  }

  async shoot(state: string): Promise<void> {
    await shoot(this.page, this.language, state);
  }

  /** For what hangs on a button of the bar, which is another one at each width: opened anew for each picture. */
  async shootOpened(state: string, open: () => Promise<void>): Promise<void> {
    for (const [width, height] of Object.entries(WIDTHS)) {
      await this.page.setViewportSize({ width: Number(width), height });
      await open();
      for (const colorScheme of ["light", "dark"] as const) {
        await theme(this.page, colorScheme);
        await this.page.screenshot({
          path: `${FOLDER}/${state}.${this.language}.${colorScheme}.${width}.png`,
        });
      }
      await this.page.keyboard.press("Escape");
    }
    await this.page.setViewportSize({ width: 1280, height: 800 });
  }

  async openSettings(tab?: string): Promise<void> {
    await this.button(this.words.more).click();
    await this.button(this.words.settings).click();
    if (tab !== undefined) await this.page.getByRole("tab", { name: tab }).click();
    await expect(this.page.getByRole("dialog").first()).toBeVisible();
  }
}

/** Into the call, through the page before it. */
export async function enter(
  page: Page,
  home: string,
  code: string,
  name: string,
  language: Language,
  host = "",
) {
  const words = WORDS[language];
  await page.goto(`${home}/meeting/${code}${host}`);
  await page.getByRole("textbox", { name: words.name }).fill(name);
  await page.getByRole("button", { name: words.join }).click();
  await expect(page.getByRole("button", { name: words.leave })).toBeVisible();
}
