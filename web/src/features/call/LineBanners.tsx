import type { ConnectionPhase, OutageCause } from "@heydok/client/call";
import { CircleCheck, RefreshCw, WifiOff } from "lucide-react";
import { useEffect } from "react";
import { updates } from "../../app/update";
import { useBehavior } from "../../app/useBehavior";
import { Banner } from "./Banners";
import styles from "./Banners.module.css";
import { useCall, useCallText } from "./context";
import { clockTime } from "./useNow";

const BACK_SHOWN_MS = 6_000;

const CAUSES = {
  line: "lostReconnecting",
  restart: "serverRestarts",
  busy: "serverBusy",
} as const satisfies Record<OutageCause, string>;

/** What is told of an outage, over the tiles, so that they do not move because of it. */
export function LineBanners({ phase, now }: { phase: ConnectionPhase; now: number }) {
  const cut = phase === "reconnecting" || phase === "reconnecting-long";
  return (
    <div className={styles.over}>
      {cut && <CutBanner long={phase === "reconnecting-long"} now={now} />}
      <BackBanner />
    </div>
  );
}

/** The sentence is an alert said once; the running time beside it is only seen. */
function CutBanner({ long, now }: { long: boolean; now: number }) {
  const { session } = useCall();
  const t = useCallText();
  const connection = useBehavior(session.connection);
  const since = connection.status === "interrupted" ? connection.since : now;
  const cause = connection.status === "interrupted" ? connection.cause : "line";
  return (
    <Banner tone={cause === "line" ? "warn" : "info"} icon={cause === "line" ? WifiOff : RefreshCw}>
      <div className={styles.lines}>
        <p role="alert">{t(CAUSES[cause])}</p>
        {long && (
          <p className={styles.detail}>
            <span className={styles.time}>{t("lostFor", { time: clockTime((now - since) / 1000) })}</span>
            {cause === "line" && <span> · {t("checkNetwork")}</span>}
          </p>
        )}
      </div>
    </Banner>
  );
}

function BackBanner() {
  const { session } = useCall();
  const t = useCallText();
  const connection = useBehavior(session.connection);
  const notice = connection.status === "connected" ? connection.notice : null;
  useEffect(() => {
    if (notice === null) return;
    // A server that was away may have come back as a newer one.
    void updates.check();
    const timer = setTimeout(() => session.noticeRead(), BACK_SHOWN_MS);
    return () => clearTimeout(timer);
  }, [notice, session]);
  return (
    <div role="status">
      {notice !== null && (
        <Banner tone="ok" icon={CircleCheck}>
          <p>{t("connectedAgain", { s: notice.missedSeconds })}</p>
        </Banner>
      )}
    </div>
  );
}
