import { commonMessages } from "@heydok/client";
import {
  type ConnectionPhase,
  lineMessages,
  type MediaFault,
  type NoSound,
  type ShareSurface,
  type Weakness,
} from "@heydok/client/call";
import { type LucideIcon, MicOff, RefreshCw, ScreenShare, VideoOff, Volume2, WifiOff, X } from "lucide-react";
import { type ReactNode, useEffect, useState } from "react";
import { useText } from "../../app/context";
import { updates } from "../../app/update";
import { useBehavior } from "../../app/useBehavior";
import { Button } from "../../primitives/Button";
import { Icon } from "../../primitives/Icon";
import { IconButton } from "../../primitives/IconButton";
import styles from "./Banners.module.css";
import { isDeviceFault, UNHEARD, WEAKNESSES } from "./causes";
import { useCall, useCallText } from "./context";
import { LineBanners } from "./LineBanners";

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
  const cut = phase === "reconnecting" || phase === "reconnecting-long";
  return (
    <div className={styles.banners}>
      <LineBanners phase={phase} now={now} />
      {!cut && <SoundBanner />}
      <FaultBanner />
      {!cut && <UnheardBanner />}
      {!cut && <WeakBanner />}
      <ShareBanner />
      <UpdateBanner />
    </div>
  );
}

export function Banner(props: {
  readonly tone: "warn" | "ok" | "share" | "sound" | "info";
  readonly icon?: LucideIcon;
  readonly children: ReactNode;
}) {
  return (
    <div className={styles.banner} data-tone={props.tone}>
      {props.icon && <Icon of={props.icon} />}
      {props.children}
    </div>
  );
}

function Dismiss({ onDismiss }: { onDismiss: () => void }) {
  const t = useCallText();
  return <IconButton icon={X} label={t("dismiss")} className={styles.close} onClick={onDismiss} />;
}

function SoundBanner() {
  const { session } = useCall();
  const t = useCallText();
  if (!useBehavior(session.people.soundBlocked)) return null;
  return (
    <Banner tone="sound">
      <Button look="primary" icon={Volume2} wide onClick={() => void session.people.turnSoundOn()}>
        {t("soundOn")}
      </Button>
      <p className={styles.hint}>{t("soundHint")}</p>
    </Banner>
  );
}

function FaultBanner() {
  const { session } = useCall();
  const t = useCallText();
  const { fault } = useBehavior(session.media.state);
  if (fault === null) return null;
  return (
    <Banner
      tone="warn"
      icon={fault.startsWith("camera") ? VideoOff : fault.startsWith("mic") ? MicOff : ScreenShare}
    >
      <p role="alert">{t(FAULTS[fault])}</p>
      <Dismiss onDismiss={() => session.media.clearFault()} />
    </Banner>
  );
}

/** An open microphone that nobody hears: the others are told at the tile, oneself here. */
function UnheardBanner() {
  const { session, showSettings } = useCall();
  const t = useCallText();
  const line = useText(lineMessages);
  const cause = useBehavior(session.monitor.unheard).get(session.selfId) ?? null;
  const [dismissed, setDismissed] = useState<NoSound | null>(null);
  useEffect(() => {
    if (cause === null) setDismissed(null);
  }, [cause]);
  if (cause === null || cause === "nothing-arrives" || dismissed === cause) return null;
  return (
    <Banner tone="warn" icon={MicOff}>
      <p role="alert">{line(UNHEARD[cause])}</p>
      {isDeviceFault(cause) && (
        <BannerButton onClick={() => showSettings("devices")}>{t("microphone")}</BannerButton>
      )}
      <Dismiss onDismiss={() => setDismissed(cause)} />
    </Banner>
  );
}

/** Weaknesses that are told without being asked for: those that sending and showing less helps against. */
const TOLD: readonly (Weakness | null)[] = ["upload", "download", "loss"];

/** The line is weak, or cameras are off for that reason. */
function WeakBanner() {
  const { session } = useCall();
  const t = useCallText();
  const line = useText(lineMessages);
  const cause = useBehavior(session.monitor.weakness);
  const audioOnly = useBehavior(session.audioOnly);
  const [dismissed, setDismissed] = useState(false);
  if (audioOnly) {
    return (
      <Banner tone="info" icon={VideoOff}>
        <p role="status">{t("audioOnlyOn")}</p>
        <BannerButton onClick={() => session.setAudioOnly(false)}>{t("picturesOn")}</BannerButton>
      </Banner>
    );
  }
  if (cause === null || !TOLD.includes(cause) || dismissed) return null;
  return (
    <Banner tone="warn" icon={WifiOff}>
      <p role="status">{line(WEAKNESSES[cause])}</p>
      <BannerButton onClick={() => session.setAudioOnly(true)}>{t("audioOnly")}</BannerButton>
      <Dismiss onDismiss={() => setDismissed(true)} />
    </Banner>
  );
}

const SURFACES = {
  monitor: "youAreSharingMonitor",
  window: "youAreSharingWindow",
  browser: "youAreSharingTab",
} as const satisfies Record<NonNullable<ShareSurface>, string>;

/** "You are sharing a window", or whatever the browser tells. */
export function useSharingText(): string {
  const { session } = useCall();
  const t = useCallText();
  const { surface } = useBehavior(session.media.state);
  return surface === null ? t("youAreSharing") : t(SURFACES[surface]);
}

function ShareBanner() {
  const { session } = useCall();
  const t = useCallText();
  const text = useSharingText();
  const { screen } = useBehavior(session.media.state);
  if (screen === null) return null;
  return (
    <Banner tone="share" icon={ScreenShare}>
      <p>{text}</p>
      <BannerButton onClick={() => session.media.stopShare()}>{t("stopShare")}</BannerButton>
    </Banner>
  );
}

function UpdateBanner() {
  const common = useText(commonMessages);
  const ready = useBehavior(updates.ready);
  const [dismissed, setDismissed] = useState(false);
  return (
    <div role="status" className={styles.quiet}>
      {ready && !dismissed && (
        <Banner tone="info" icon={RefreshCw}>
          <p>{common("update")}</p>
          <Dismiss onDismiss={() => setDismissed(true)} />
        </Banner>
      )}
    </div>
  );
}

function BannerButton({ onClick, children }: { onClick: () => void; children: ReactNode }) {
  return (
    <button type="button" className={styles.action} onClick={onClick}>
      {children}
    </button>
  );
}
