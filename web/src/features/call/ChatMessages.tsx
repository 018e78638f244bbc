import { type ChatGroup, type ChatItem, linkify } from "@heydok/client/call";
import { CircleAlert, Clock } from "lucide-react";
import { Fragment, memo } from "react";
import { useFormat } from "../../app/format";
import { Icon } from "../../primitives/Icon";
import styles from "./ChatPanel.module.css";
import { useCallText } from "./context";

interface ChatMessagesProps {
  readonly groups: readonly ChatGroup[];
  readonly onRetry: (key: string) => void;
}

export function ChatMessages({ groups, onRetry }: ChatMessagesProps) {
  const t = useCallText();
  const format = useFormat();
  return groups.map((group) => (
    <Fragment key={group.key}>
      {group.newDay && <p className={styles.divider}>{format.day(group.at)}</p>}
      {group.newUnread && (
        <p className={styles.divider} data-unread="">
          {t("newMessages")}
        </p>
      )}
      <article className={styles.group} data-mine={group.mine || undefined}>
        <header className={styles.by}>
          <span className={styles.sender}>
            {group.mine ? t("nameYou", { name: group.senderName }) : group.senderName}
          </span>
          <time dateTime={new Date(group.at).toISOString()}>{format.time(group.at)}</time>
        </header>
        {group.items.map((item) => (
          <Message key={item.key} item={item} onRetry={onRetry} />
        ))}
      </article>
    </Fragment>
  ));
}

const Message = memo(function Message({ item, onRetry }: { item: ChatItem; onRetry: (key: string) => void }) {
  const t = useCallText();
  return (
    <div className={styles.message} data-delivery={item.delivery}>
      <p className={styles.text} dir="auto">
        <LinkedText text={item.text} />
      </p>
      {item.delivery === "sending" && (
        <span className={styles.state} title={t("sending")}>
          <Icon of={Clock} size={14} />
          <span className="visually-hidden">{t("sending")}</span>
        </span>
      )}
      {item.delivery === "queued" && (
        <span className={styles.state}>
          <Icon of={Clock} size={14} /> {t("waitingToSend")}
        </span>
      )}
      {item.delivery === "failed" && (
        <span className={styles.failed} role="alert">
          <Icon of={CircleAlert} size={14} /> {t("notSent")}{" "}
          <button type="button" className={styles.retry} onClick={() => onRetry(item.key)}>
            {t("retry")}
          </button>
        </span>
      )}
    </div>
  );
});

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
