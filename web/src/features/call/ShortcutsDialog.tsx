import { SHORTCUTS, type Shortcut } from "@heydok/client/call";
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

/** All keys of the call, and the switch for the single ones. */
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
      />
    </Dialog>
  );
}

interface KeyTableProps {
  readonly title: string;
  readonly shortcuts: readonly Shortcut[];
  readonly muted?: boolean;
}

function KeyTable({ title, shortcuts, muted = false }: KeyTableProps) {
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
          <tr key={shortcut.keys.join()}>
            <th scope="row">{t(NAMES[shortcut.command])}</th>
            <td>
              {shortcut.keys.map((key) => (
                <kbd key={key} className={`${styles.key} mono`}>
                  {key.split("+").map(nameOf).join("+")}
                </kbd>
              ))}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
