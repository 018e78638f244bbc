import { TEXT_MAX } from "@heydok/client/call";
import { SendHorizontal } from "lucide-react";
import { type FormEvent, type KeyboardEvent, useEffect, useId, useRef, useState } from "react";
import { safeStorage } from "../../app/storage";
import { IconButton } from "../../primitives/IconButton";
import styles from "./ChatPanel.module.css";
import { useCall, useCallText } from "./context";

/** From here on the composer tells how much room is left. */
const WARN_BELOW = 200;

/** Where a message is written. Enter sends, Shift+Enter makes a new line; the draft outlives the panel. */
export function ChatComposer() {
  const { session, meeting } = useCall();
  const t = useCallText();
  const draftKey = `heydok.draft.${meeting.code}`;
  const [text, setText] = useState(() => safeStorage("sessionStorage").getItem(draftKey) ?? "");
  const field = useRef<HTMLTextAreaElement>(null);
  const id = useId();
  useEffect(() => field.current?.focus(), []);
  useEffect(() => {
    const store = safeStorage("sessionStorage");
    if (text === "") store.removeItem(draftKey);
    else store.setItem(draftKey, text);
  }, [text, draftKey]);
  const send = () => {
    if (text.trim() === "") return;
    session.chat.send(text);
    setText("");
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== "Enter" || event.shiftKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    send();
  };
  const onSubmit = (event: FormEvent) => {
    event.preventDefault();
    send();
    field.current?.focus();
  };
  const left = TEXT_MAX - text.length;
  return (
    <form className={styles.composer} onSubmit={onSubmit}>
      <label htmlFor={id} className="visually-hidden">
        {t("message")}
      </label>
      <textarea
        id={id}
        ref={field}
        className={styles.field}
        rows={1}
        maxLength={TEXT_MAX}
        placeholder={t("message")}
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
        onKeyDown={onKeyDown}
      />
      <IconButton
        icon={SendHorizontal}
        label={t("send")}
        type="submit"
        className={styles.send}
        aria-disabled={text.trim() === "" || undefined}
      />
      {left < WARN_BELOW && (
        <p className={styles.left} role="status">
          {t("charactersLeft", { n: left })}
        </p>
      )}
    </form>
  );
}
