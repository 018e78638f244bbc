import type { ConnectionPhase, MediaFault } from "@heydok/client/call";
import { ScreenShare, Volume2, WifiOff, X } from "lucide-react";
import { type ReactNode, useEffect } from "react";
import { useBehavior } from "../../app/useBehavior";
import { Button } from "../../primitives/Button";
import { Icon } from "../../primitives/Icon";
import { IconButton } from "../../primitives/IconButton";
import styles from "./Banners.module.css";
import { useCall, useCallText } from "./context";
import { clockTime } from "./useNow";

const BACK_SHOWN_MS = 6_000;

const FAULTS = {
  "microphone-blocked": "microphoneBlocked",
  "microphone-failed": "microphoneFailed",
  "camera-blocked": "cameraBlocked",
  "camera-failed": "cameraFailed",
  "share-blocked": "shareBlocked",
  "share-failed": "shareFailed",
  "microphone-muted-by-host": "mutedByHost",
  "camera-stopped-by-host": "cameraStoppedByHost",
} as const satisfies Record<MediaFault, string>;

/** What stands above the stage: the state of the line, of the sound, of one's share and devices. */
export function Banners({ phase, now }: { phase: ConnectionPhase; now: number }) {
  const { session } = useCall();
  const t = useCallText();
  const soundBlocked = useBehavior(session.people.soundBlocked);
  const media = useBehavior(session.media.state);
  const cut = phase === "reconnecting" || phase === "reconnecting-long";
  return (
    <div className={styles.banners}>
      <div className={styles.over}>
        {cut && <CutBanner long={phase === "reconnecting-long"} now={now} />}
        <BackBanner />
      </div>
      {soundBlocked && !cut && (
        <Banner tone="sound">
          <Button look="primary" icon={Volume2} wide onClick={() => void session.people.turnSoundOn()}>
            {t("soundOn")}
          </Button>
          <p className={styles.hint}>{t("soundHint")}</p>
        </Banner>
      )}
      {media.fault !== null && (
        <Banner tone="warn">
          <p role="alert">{t(FAULTS[media.fault])}</p>
          <IconButton
            icon={X}
            label={t("dismiss")}
            className={styles.close}
            onClick={() => session.media.clearFault()}
          />
        </Banner>
      )}
      {media.screen !== null && (
        <Banner tone="share">
          <Icon of={ScreenShare} />
          <p>{t("youAreSharing")}</p>
          <button type="button" className={styles.stop} onClick={() => session.media.stopShare()}>
            {t("stopShare")}
          </button>
        </Banner>
      )}
    </div>
  );
}

function Banner({ tone, children }: { tone: "warn" | "ok" | "share" | "sound"; children: ReactNode }) {
  return (
    <div className={styles.banner} data-tone={tone}>
      {children}
    </div>
  );
}

/** The sentence is an alert said once; the running time beside it is only seen. */
function CutBanner({ long, now }: { long: boolean; now: number }) {
  const { session } = useCall();
  const t = useCallText();
  const connection = useBehavior(session.connection);
  const seconds = connection.status === "interrupted" ? (now - connection.since) / 1000 : 0;
  return (
    <Banner tone="warn">
      <Icon of={WifiOff} />
      <p role="alert">{t("lostReconnecting")}</p>
      {long && (
        <p className={styles.detail}>
          <span className={styles.time}>{t("lostFor", { time: clockTime(seconds) })}</span>
          <span>{t("checkNetwork")}</span>
        </p>
      )}
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
    const timer = setTimeout(() => session.noticeRead(), BACK_SHOWN_MS);
    return () => clearTimeout(timer);
  }, [notice, session]);
  return (
    <div role="status">
      {notice !== null && (
        <Banner tone="ok">
          <p>{t("connectedAgain", { s: notice.missedSeconds })}</p>
        </Banner>
      )}
    </div>
  );
}
