import { type ChatGroup, type ChatItem, linkify } from "@heydok/client/call";
import { CircleAlert, Clock, Lock, Reply } from "lucide-react";
import { Fragment, memo } from "react";
import { useFormat } from "../../app/format";
import { Icon } from "../../primitives/Icon";
import { IconButton } from "../../primitives/IconButton";
import styles from "./ChatPanel.module.css";
import { useCallText } from "./context";

interface ChatMessagesProps {
  readonly groups: readonly ChatGroup[];
  readonly items: readonly ChatItem[];
  readonly nameOf: (id: string) => string;
  readonly onRetry: (key: string) => void;
  readonly onReply: (item: ChatItem) => void;
}

export function ChatMessages({ groups, items, nameOf, onRetry, onReply }: ChatMessagesProps) {
  const t = useCallText();
  const format = useFormat();
  const byId = new Map(items.map((item) => [item.id, item]));
  return groups.map((group) => (
    <Fragment key={group.key}>
      {group.newDay && <p className={styles.divider}>{format.day(group.at)}</p>}
      {group.newUnread && (
        <p className={styles.divider} data-unread="">
          {t("newMessages")}
        </p>
      )}
      <article
        className={styles.group}
        data-mine={group.mine || undefined}
        data-private={group.to !== null || undefined}
      >
        <header className={styles.by}>
          <span className={styles.sender}>
            {group.mine ? t("nameYou", { name: group.senderName }) : group.senderName}
          </span>
          <time dateTime={new Date(group.at).toISOString()}>{format.time(group.at)}</time>
        </header>
        {group.to !== null && (
          <p className={styles.private}>
            <Icon of={Lock} size={14} />{" "}
            {t("chatPrivate", { name: group.mine ? nameOf(group.to) : group.senderName })}
          </p>
        )}
        {group.items.map((item) => (
          <Message
            key={item.key}
            item={item}
            answered={item.replyTo === null ? null : byId.get(item.replyTo)}
            onRetry={onRetry}
            onReply={onReply}
          />
        ))}
      </article>
    </Fragment>
  ));
}

interface MessageProps {
  readonly item: ChatItem;
  /** The message that this one answers: `null` for none, `undefined` for one that is not here. */
  readonly answered: ChatItem | null | undefined;
  readonly onRetry: (key: string) => void;
  readonly onReply: (item: ChatItem) => void;
}

const Message = memo(function Message({ item, answered, onRetry, onReply }: MessageProps) {
  const t = useCallText();
  return (
    <div className={styles.message} data-delivery={item.delivery}>
      {answered !== null && (
        <p className={styles.quote} dir="auto">
          {answered ? t("chatNews", { name: answered.senderName, text: answered.text }) : t("replyUnseen")}
        </p>
      )}
      <p className={styles.text} dir="auto">
        <LinkedText text={item.text} />
      </p>
      {item.id !== null && (
        <IconButton
          icon={Reply}
          size={16}
          label={t("reply", { name: item.senderName })}
          className={styles.reply}
          onClick={() => onReply(item)}
        />
      )}
      <DeliveryState item={item} onRetry={onRetry} />
    </div>
  );
});

function DeliveryState({ item, onRetry }: Pick<MessageProps, "item" | "onRetry">) {
  const t = useCallText();
  switch (item.delivery) {
    case "sent":
      return null;
    case "sending":
      return (
        <span className={styles.state} title={t("sending")}>
          <Icon of={Clock} size={14} />
          <span className="visually-hidden">{t("sending")}</span>
        </span>
      );
    case "queued":
      return (
        <span className={styles.state}>
          <Icon of={Clock} size={14} /> {t("waitingToSend")}
        </span>
      );
    case "failed":
      return (
        <span className={styles.failed} role="alert">
          <Icon of={CircleAlert} size={14} /> {t("notSent")}{" "}
          <button type="button" className={styles.retry} onClick={() => onRetry(item.key)}>
            {t("retry")}
          </button>
        </span>
      );
  }
}

function LinkedText({ text }: { text: string }) {
  let position = 0;
  return linkify(text).map((part) => {
    const key = position;
    position += part.text.length;
    return part.kind === "link" ? (
      <a key={key} href={part.href} target="_blank" rel="noopener noreferrer nofollow">
        {part.text}
      </a>
    ) : (
      <Fragment key={key}>{part.text}</Fragment>
    );
  });
}
