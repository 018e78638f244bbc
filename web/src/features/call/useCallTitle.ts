import { useEffect } from "react";
import { useBehavior } from "../../app/useBehavior";
import { useCall, useCallText } from "./context";

/** The window's title: unread messages first, so that a narrow tab still shows them. */
export function useCallTitle(): void {
  const { session, meeting } = useCall();
  const t = useCallText();
  const { unread } = useBehavior(session.chat.log);
  const name = meeting.name ?? meeting.code;
  const title =
    unread > 0 ? t("callTitleUnread", { n: unread, meeting: name }) : t("callTitle", { meeting: name });
  useEffect(() => {
    document.title = title;
  }, [title]);
}
