import { PhoneOff, RefreshCw } from "lucide-react";
import { useEffect } from "react";
import { useBehavior } from "../../app/useBehavior";
import { useAnnounce } from "../../primitives/Announcer";
import { Button } from "../../primitives/Button";
import { Spinner } from "../../primitives/Spinner";
import { useCall, useCallText } from "./context";
import styles from "./LostScreen.module.css";

/** After a minute without a line. It goes on trying, so the page is never dead while the meeting lives. */
export function LostScreen() {
  const { session } = useCall();
  const t = useCallText();
  const announce = useAnnounce();
  const connection = useBehavior(session.connection);
  const busy = connection.status === "interrupted" && connection.cause === "busy";
  useEffect(() => announce(t("lostTitle"), "assertive"), [announce, t]);
  return (
    <div className={styles.lost}>
      <h2>{t("lostTitle")}</h2>
      <p className={styles.hint}>
        <Spinner size={18} /> {t(busy ? "serverBusy" : "lostHint")}
      </p>
      <div className={styles.actions}>
        <Button look="primary" icon={RefreshCw} onClick={() => session.retryNow()}>
          {t("reconnect")}
        </Button>
        <Button icon={PhoneOff} onClick={() => session.leave()}>
          {t("leaveMeeting")}
        </Button>
      </div>
      <p>
        {/* In a tab of its own: this page goes on trying. */}
        <a href="/test" target="_blank" rel="noopener">
          {t("testLine")}
        </a>
      </p>
    </div>
  );
}
