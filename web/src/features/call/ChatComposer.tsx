import { type ChatItem, TEXT_MAX } from "@heydok/client/call";
import { Lock, SendHorizontal, X } from "lucide-react";
import { type FormEvent, type KeyboardEvent, useEffect, useId, useRef, useState } from "react";
import { safeStorage } from "../../app/storage";
import { useBehavior } from "../../app/useBehavior";
import { Icon } from "../../primitives/Icon";
import { IconButton } from "../../primitives/IconButton";
import { Select } from "../../primitives/Select";
import styles from "./ChatPanel.module.css";
import { useCall, useCallText } from "./context";

/** From here on the composer tells how much room is left. */
const WARN_BELOW = 200;

interface ChatComposerProps {
  /** The one person who shall read it; `null` for everybody. */
  readonly to: string | null;
  readonly onAddress: (to: string | null) => void;
  /** The message that is being answered. */
  readonly answered: ChatItem | null;
  /** The answer is sent, or not wished any more. */
  readonly onAnswered: () => void;
  readonly nameOf: (id: string) => string;
}

/** Where a message is written. Enter sends, Shift+Enter makes a new line; the draft outlives the panel. */
export function ChatComposer({ to, onAddress, answered, onAnswered, nameOf }: ChatComposerProps) {
  const { session, meeting } = useCall();
  const t = useCallText();
  const draftKey = `heydok.draft.${meeting.code}`;
  const [text, setText] = useState(() => safeStorage("sessionStorage").getItem(draftKey) ?? "");
  const field = useRef<HTMLTextAreaElement>(null);
  const id = useId();
  useEffect(() => field.current?.focus(), []);
  useEffect(() => {
    if (answered !== null) field.current?.focus();
  }, [answered]);
  useEffect(() => {
    const store = safeStorage("sessionStorage");
    if (text === "") store.removeItem(draftKey);
    else store.setItem(draftKey, text);
  }, [text, draftKey]);
  const send = () => {
    if (text.trim() === "") return;
    session.chat.send(text, { to, replyTo: answered?.id ?? null });
    setText("");
    onAnswered();
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
    <form className={styles.composer} data-private={to !== null || undefined} onSubmit={onSubmit}>
      {answered !== null && (
        <div className={styles.answered}>
          <p className={styles.quote}>
            {t("replyingTo", { name: answered.senderName, text: answered.text })}
          </p>
          <IconButton icon={X} size={16} label={t("replyCancel")} onClick={onAnswered} />
        </div>
      )}
      <Recipient to={to} onAddress={onAddress} nameOf={nameOf} />
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

/** For everybody or for one person; absent as long as nobody else is here. */
function Recipient({ to, onAddress, nameOf }: Pick<ChatComposerProps, "to" | "onAddress" | "nameOf">) {
  const { session } = useCall();
  const t = useCallText();
  const others = useBehavior(session.people.list).filter((view) => !view.isLocal);
  const ids = others.map((view) => view.id);
  // Who has just left stays chosen: what was meant for one must not go to all.
  if (to !== null && !ids.includes(to)) ids.push(to);
  if (ids.length === 0) return null;
  return (
    <div className={styles.recipient}>
      <Select
        compact
        label={t("chatTo")}
        icon={to === null ? undefined : <Icon of={Lock} size={16} />}
        value={to ?? ""}
        options={[
          { value: "", label: t("chatEveryone") },
          ...ids.map((id) => ({ value: id, label: t("chatOnly", { name: nameOf(id) }) })),
        ]}
        onChoose={(value) => onAddress(value === "" ? null : value)}
      />
    </div>
  );
}
