import { type ChatItem, groupChat } from "@heydok/client/call";
import { ArrowDown } from "lucide-react";
import { useCallback, useLayoutEffect, useMemo, useRef, useState } from "react";
import { useBehavior } from "../../app/useBehavior";
import { Button } from "../../primitives/Button";
import { ChatComposer } from "./ChatComposer";
import { ChatMessages } from "./ChatMessages";
import styles from "./ChatPanel.module.css";
import { useCall, useCallText } from "./context";
import { SidePanel } from "./SidePanel";

/** Within this distance of the end, new messages keep the end in view. */
const STICKS_WITHIN_PX = 32;

/** Names of everybody in the call and of everybody who has written; those who leave keep theirs. */
function useNames(): (id: string) => string {
  const { session } = useCall();
  const t = useCallText();
  const { items } = useBehavior(session.chat.log);
  const people = useBehavior(session.people.list);
  const known = useRef(new Map<string, string>());
  for (const { senderId, senderName } of items) known.current.set(senderId, senderName);
  for (const { id, name } of people) known.current.set(id, name);
  return (id) => known.current.get(id) ?? t("chatSomebodyGone");
}

export function ChatPanel() {
  const { session } = useCall();
  const t = useCallText();
  const log = useBehavior(session.chat.log);
  const groups = useMemo(() => groupChat(log), [log]);
  const list = useRef<HTMLDivElement>(null);
  const atEnd = useRef(true);
  const seen = useRef(log.items.length);
  const [below, setBelow] = useState(0);
  const nameOf = useNames();
  const [to, setTo] = useState<string | null>(null);
  const [answered, setAnswered] = useState<ChatItem | null>(null);
  const reply = useCallback((item: ChatItem) => {
    setAnswered(item);
    // What was said between two stays between them.
    setTo(item.mine || item.to === null ? item.to : item.senderId);
  }, []);

  const toEnd = useCallback(() => {
    const element = list.current;
    if (element !== null) element.scrollTop = element.scrollHeight;
  }, []);
  const onScroll = () => {
    const element = list.current;
    if (element === null) return;
    atEnd.current = element.scrollHeight - element.scrollTop - element.clientHeight <= STICKS_WITHIN_PX;
    if (atEnd.current) setBelow(0);
  };
  useLayoutEffect(() => {
    const added = log.items.slice(seen.current);
    seen.current = log.items.length;
    // One's own message is where one wants to look, wherever the list was.
    if (atEnd.current || added.some((item) => item.mine)) toEnd();
    else if (added.length > 0) setBelow((before) => before + added.length);
  }, [log.items, toEnd]);
  useLayoutEffect(() => toEnd(), [toEnd]);
  return (
    <SidePanel title={t("chat")}>
      <div className={styles.scroller}>
        <div
          ref={list}
          role="log"
          aria-live="off"
          aria-label={t("chat")}
          className={styles.list}
          // biome-ignore lint/a11y/noNoninteractiveTabindex: a long list must be scrollable by keyboard.
          tabIndex={0}
          onScroll={onScroll}
        >
          {groups.length === 0 ? (
            <p className={styles.empty}>{t("noMessages")}</p>
          ) : (
            <ChatMessages
              groups={groups}
              items={log.items}
              nameOf={nameOf}
              onRetry={session.chat.retry}
              onReply={reply}
            />
          )}
        </div>
        {below > 0 && (
          <div className={styles.below}>
            <Button icon={ArrowDown} onClick={toEnd}>
              {t("newBelow", { n: below })}
            </Button>
          </div>
        )}
      </div>
      <ChatComposer
        to={to}
        onAddress={setTo}
        answered={answered}
        onAnswered={() => setAnswered(null)}
        nameOf={nameOf}
      />
    </SidePanel>
  );
}
