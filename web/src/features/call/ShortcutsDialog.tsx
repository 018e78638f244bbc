import {
  answerKey,
  isKeyed,
  type KeyedCommand,
  keyOf,
  type OwnKeys,
  SHORTCUTS,
  type Shortcut,
  settingsMessages,
  shownKey,
} from "@heydok/client/call";
import { type KeyboardEvent, useEffect, useRef, useState } from "react";
import { useText } from "../../app/context";
import { useAnnounce } from "../../primitives/Announcer";
import { Button } from "../../primitives/Button";
import { Dialog } from "../../primitives/Dialog";
import { Switch } from "../../primitives/Switch";
import { useCall, useCallText } from "./context";
import styles from "./ShortcutsDialog.module.css";

const NAMES = {
  "toggle-microphone": "keyMicrophone",
  "toggle-camera": "keyCamera",
  "toggle-share": "keyShare",
  "toggle-chat": "keyChat",
  "toggle-people": "keyPeople",
  "next-layout": "keyLayout",
  "next-page": "keyNextPage",
  "previous-page": "keyPreviousPage",
  "full-screen": "keyFullScreen",
  "focus-controls": "keyControls",
  "next-region": "keyNextRegion",
  "previous-region": "keyPreviousRegion",
  "read-status": "keyReadStatus",
  "show-shortcuts": "keyList",
  "hold-to-talk": "keyTalk",
  pin: "keyPin",
  close: "keyClose",
} as const satisfies Record<Shortcut["command"], string>;

/** Keys that bear a word, and in each language another one. */
const KEY_NAMES = {
  Ctrl: "keyNameCtrl",
  Shift: "keyNameShift",
  Space: "keyNameSpace",
  PageDown: "keyNamePageDown",
  PageUp: "keyNamePageUp",
  Enter: "keyNameEnter",
} as const;

const mac = /mac|iphone|ipad/i.test(navigator.userAgent);

/** All keys of the call; the single ones can be switched off and changed. */
export function ShortcutsDialog({ onClose }: { onClose: () => void }) {
  const { preferences, changePreferences } = useCall();
  const t = useCallText();
  return (
    <Dialog title={t("shortcuts")} onClose={onClose}>
      <KeyTable title={t("shortcutsAlways")} shortcuts={SHORTCUTS.filter((shortcut) => !shortcut.single)} />
      <Switch
        label={t("singleKeys")}
        checked={preferences.singleKeys}
        onChange={(singleKeys) => changePreferences({ singleKeys })}
      />
      <KeyTable
        title={t("shortcutsSingle")}
        shortcuts={SHORTCUTS.filter((shortcut) => shortcut.single)}
        muted={!preferences.singleKeys}
        changes={{ ownKeys: preferences.ownKeys, onChange: (ownKeys) => changePreferences({ ownKeys }) }}
      />
      <ResetKeys onReset={() => changePreferences({ ownKeys: {} })} />
    </Dialog>
  );
}

function ResetKeys({ onReset }: { onReset: () => void }) {
  const settings = useText(settingsMessages);
  const announce = useAnnounce();
  const reset = () => {
    onReset();
    announce(settings("keysReset"));
  };
  return <Button onClick={reset}>{settings("resetKeys")}</Button>;
}

interface Changes {
  readonly ownKeys: OwnKeys;
  onChange(ownKeys: OwnKeys): void;
}

interface KeyTableProps {
  readonly title: string;
  readonly shortcuts: readonly Shortcut[];
  readonly muted?: boolean;
  readonly changes?: Changes;
}

function KeyTable({ title, shortcuts, muted = false, changes }: KeyTableProps) {
  const t = useCallText();
  const nameOf = (key: string) => {
    if (mac && key === "Ctrl") return "⌘";
    return key in KEY_NAMES ? t(KEY_NAMES[key as keyof typeof KEY_NAMES]) : key;
  };
  return (
    <table className={styles.table} data-muted={muted || undefined}>
      <caption className={styles.caption}>{title}</caption>
      <tbody>
        {shortcuts.map((shortcut) => (
          <tr key={`${shortcut.command} ${shortcut.single}`}>
            <th scope="row">{t(NAMES[shortcut.command])}</th>
            <td>
              {keysOf(shortcut, changes?.ownKeys).map((key) => (
                <kbd key={key} className={`${styles.key} mono`}>
                  {key.split("+").map(nameOf).join("+")}
                </kbd>
              ))}
              {changes !== undefined && isKeyed(shortcut.command) && (
                <ChangeKey command={shortcut.command} changes={changes} />
              )}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function keysOf(shortcut: Shortcut, ownKeys: OwnKeys | undefined): readonly string[] {
  const { command } = shortcut;
  return ownKeys !== undefined && isKeyed(command) ? [shownKey(keyOf(command, ownKeys))] : shortcut.keys;
}

/** Waits in a field for the new key: only there do screen readers hand characters on. */
function ChangeKey({ command, changes }: { command: KeyedCommand; changes: Changes }) {
  const t = useCallText();
  const settings = useText(settingsMessages);
  const announce = useAnnounce();
  const button = useRef<HTMLButtonElement>(null);
  const back = useRef(false);
  const [waiting, setWaiting] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  useEffect(() => {
    if (!waiting && back.current) button.current?.focus();
    back.current = false;
  }, [waiting]);
  const name = t(NAMES[command]);
  const close = (focusBack: boolean) => {
    back.current = focusBack;
    setWaiting(false);
    setProblem(null);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const { key, ctrlKey: ctrl, metaKey: meta, shiftKey: shift, altKey: alt } = event;
    if (key === "Tab") return;
    event.preventDefault();
    const answer = answerKey({ key, ctrl, meta, shift, alt }, command, changes.ownKeys);
    if (answer.kind === "cancelled") close(true);
    if (answer.kind === "refused") setProblem(settings("keyRefused"));
    if (answer.kind === "taken")
      setProblem(settings("keyTaken", { key: shownKey(key.toLowerCase()), name: t(NAMES[answer.by]) }));
    if (answer.kind !== "changed") return;
    changes.onChange(answer.ownKeys);
    announce(`${name}: ${shownKey(keyOf(command, answer.ownKeys))}`);
    close(true);
  };
  if (!waiting) {
    return (
      <button
        ref={button}
        type="button"
        className={styles.change}
        aria-label={settings("changeKeyOf", { name })}
        onClick={() => setWaiting(true)}
      >
        {settings("changeKey")}
      </button>
    );
  }
  return (
    <>
      <input
        ref={focusOnce}
        className={styles.field}
        aria-label={settings("newKey", { name })}
        placeholder={settings("pressKey")}
        value=""
        onChange={() => undefined}
        onKeyDown={onKeyDown}
        onBlur={() => close(false)}
      />
      {problem !== null && (
        <p role="alert" className={styles.problem}>
          {problem}
        </p>
      )}
    </>
  );
}

function focusOnce(field: HTMLInputElement | null): void {
  field?.focus();
}
