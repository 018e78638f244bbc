import { type Command, commandFor } from "@heydok/client/call";
import { useEffect, useRef } from "react";
import { useAnnounce } from "../../primitives/Announcer";
import { type Call, useCall, useCallText } from "./context";
import { LAYOUT_NAMES } from "./LayoutChoice";

const TEXT_FIELDS =
  "input:not([type=radio], [type=checkbox], [type=range], [type=button]), textarea, select, [contenteditable=true]";

function inText(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest(TEXT_FIELDS) !== null;
}

/** The call's keys, for as long as the call is on the page. */
export function useShortcuts(): void {
  const call = useCall();
  const t = useCallText();
  const announce = useAnnounce();
  const current = useRef({ call, t, announce });
  current.current = { call, t, announce };
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.isComposing || document.querySelector("dialog[open]")) return;
      const { call, t, announce } = current.current;
      const { key, ctrlKey: ctrl, metaKey: meta, shiftKey: shift, altKey: alt } = event;
      const text = inText(event.target);
      if (talkKey(event, call, text)) return;
      if (event.repeat) return;
      const command = commandFor({ key, ctrl, meta, shift, alt, inText: text }, call.preferences);
      if (command === null) return;
      event.preventDefault();
      COMMANDS[command]({ call, t, announce });
    };
    const onKeyUp = (event: KeyboardEvent) => {
      if (event.key === " " && talking) endTalk(current.current.call);
    };
    const onBlur = () => {
      if (talking) endTalk(current.current.call);
    };
    window.addEventListener("keydown", onKeyDown);
    window.addEventListener("keyup", onKeyUp);
    window.addEventListener("blur", onBlur);
    return () => {
      window.removeEventListener("keydown", onKeyDown);
      window.removeEventListener("keyup", onKeyUp);
      window.removeEventListener("blur", onBlur);
      // Left with the key still down: the next call begins without it.
      talking = false;
    };
  }, []);
}

/** Whether the space bar holds the microphone open right now. */
let talking = false;

function endTalk(call: Call): void {
  talking = false;
  call.session.media.setMicrophone(false);
}

/** Space talks while it is held, unless it would press or type something where the focus is. */
function talkKey(event: KeyboardEvent, call: Call, text: boolean): boolean {
  if (event.key !== " " || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return false;
  const target = event.target instanceof Element ? event.target : null;
  const presses = target?.closest("button, a, input, [role=radio], [role=log]") != null;
  if (text || presses || !call.preferences.singleKeys) return false;
  event.preventDefault();
  if (!talking && !call.session.media.state.value.microphoneOn) {
    talking = true;
    call.session.media.setMicrophone(true);
  }
  return true;
}

interface Context {
  readonly call: Call;
  readonly t: ReturnType<typeof useCallText>;
  readonly announce: (text: string) => void;
}

const COMMANDS: Record<Command, (context: Context) => void> = {
  "toggle-microphone": ({ call, t, announce }) => {
    const { media } = call.session;
    media.setMicrophone(!media.state.value.microphoneOn);
    announce(t(media.state.value.microphoneOn ? "micOn" : "muted"));
  },
  "toggle-camera": ({ call }) => {
    const { media } = call.session;
    media.setCamera(!media.state.value.cameraOn);
  },
  "toggle-share": ({ call }) => {
    const { media } = call.session;
    if (media.state.value.screen === null) void media.startShare("text");
    else media.stopShare();
  },
  "toggle-chat": ({ call }) => togglePanel(call, "chat"),
  "toggle-people": ({ call }) => togglePanel(call, "people"),
  "next-layout": nextLayout,
  "next-page": ({ call }) => call.stage.turnPage(1),
  "previous-page": ({ call }) => call.stage.turnPage(-1),
  "full-screen": toggleFullScreen,
  "focus-controls": () => focusFirst("[role=toolbar]"),
  "next-region": () => moveRegion(1),
  "previous-region": () => moveRegion(-1),
  "read-status": ({ call, t, announce }) => announce(status(call, t)),
  "show-shortcuts": ({ call }) => call.showShortcuts(),
};

function togglePanel(call: Call, panel: "chat" | "people"): void {
  if (call.panel === panel) call.closePanel();
  else call.togglePanel(panel);
}

function nextLayout({ call, t, announce }: Context): void {
  const layout = call.stage.nextLayout();
  call.changePreferences({ layout });
  announce(`${t("layout")}: ${t(LAYOUT_NAMES[layout])}`);
}

export function toggleFullScreen(): void {
  if (document.fullscreenElement) void document.exitFullscreen();
  else void document.documentElement.requestFullscreen().catch(() => undefined);
}

function status(call: Call, t: ReturnType<typeof useCallText>): string {
  const people = call.session.people.list.value;
  const names = people.filter((view) => view.speaking).map((view) => view.name);
  const n = people.length;
  return names.length === 0 ? t("statusSilent", { n }) : t("statusSpeaking", { names: names.join(", "), n });
}

function focusFirst(selector: string): void {
  const region = document.querySelector(selector);
  const target = region?.querySelector<HTMLElement>(
    "[tabindex='0'], button:not([tabindex='-1']), textarea, input",
  );
  target?.focus();
}

/** F6 goes round the regions of the page that can hold the focus. */
function moveRegion(by: 1 | -1): void {
  const regions = [...document.querySelectorAll<HTMLElement>("[data-f6-region]")].filter(
    (region) => region.querySelector("button, [tabindex='0'], textarea, input") !== null,
  );
  if (regions.length === 0) return;
  const active = document.activeElement;
  const at = regions.findIndex((region) => region.contains(active));
  const next = regions[(at + by + regions.length) % regions.length] ?? regions[0];
  const inside = next?.querySelector<HTMLElement>(
    "[tabindex='0'], textarea, button:not([tabindex='-1']), input",
  );
  inside?.focus();
}
