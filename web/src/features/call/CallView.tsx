import {
  type CallNews,
  connectionPhase,
  loadCallPreferences,
  saveCallPreferences,
} from "@heydok/client/call";
import { type ReactNode, type RefObject, useEffect, useMemo, useRef, useState } from "react";
import { safeStorage } from "../../app/storage";
import { useBehavior } from "../../app/useBehavior";
import { AloneCard } from "./AloneCard";
import { Banners } from "./Banners";
import styles from "./CallView.module.css";
import { ChatPanel } from "./ChatPanel";
import { ControlBar } from "./ControlBar";
import {
  type Call,
  CallContext,
  type CallModels,
  type Panel,
  type SettingsSection,
  useCall,
} from "./context";
import { LostScreen } from "./LostScreen";
import { MutedNudge } from "./MutedNudge";
import { PeoplePanel } from "./PeoplePanel";
import { SettingsDialog } from "./SettingsDialog";
import { ShortcutsDialog } from "./ShortcutsDialog";
import { StageArea } from "./StageArea";
import { StillThere } from "./StillThere";
import { useCallTitle } from "./useCallTitle";
import { useFewerTiles } from "./useFewerTiles";
import { useNews } from "./useNews";
import { useNow } from "./useNow";
import { usePageGuards } from "./usePageGuards";
import { useQuietControls } from "./useQuietControls";
import { useReplacedDevice } from "./useReplacedDevice";
import { useShortcuts } from "./useShortcuts";

interface CallViewProps {
  readonly models: CallModels;
  readonly onNews: RefObject<(news: CallNews) => void>;
}

/** The whole call screen over its view models. */
export function CallView({ models, onNews }: CallViewProps) {
  const [panel, setPanel] = useState<Panel | null>(null);
  const [listOpen, setListOpen] = useState(false);
  const [settings, setSettings] = useState<SettingsSection | null>(null);
  const [preferences, setPreferences] = useState(() => loadCallPreferences(safeStorage("localStorage")));
  const opener = useRef<Element | null>(null);
  const call = useMemo<Call>(
    () => ({
      ...models,
      panel,
      preferences,
      togglePanel: (next) => {
        opener.current = document.activeElement;
        setPanel((open) => (open === next ? null : next));
      },
      closePanel: () => {
        setPanel(null);
        const back = opener.current;
        if (back instanceof HTMLElement && back.isConnected) back.focus();
      },
      showShortcuts: () => setListOpen(true),
      showSettings: (section = "devices") => setSettings(section),
      changePreferences: (part) =>
        setPreferences((before) => {
          const next = { ...before, ...part };
          saveCallPreferences(safeStorage("localStorage"), next);
          return next;
        }),
    }),
    [models, panel, preferences],
  );
  return (
    <CallContext value={call}>
      <CallFrame onNews={onNews}>
        {listOpen && <ShortcutsDialog onClose={() => setListOpen(false)} />}
        {settings !== null && <SettingsDialog first={settings} onClose={() => setSettings(null)} />}
        <StillThere />
      </CallFrame>
    </CallContext>
  );
}

function CallFrame({ onNews, children }: { onNews: CallViewProps["onNews"]; children: ReactNode }) {
  const call = useCall();
  const { session, panel, meeting } = call;
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => session.chat.setOpen(panel === "chat"), [session, panel]);
  useEffect(() => heading.current?.focus(), []);
  useEffect(() => {
    const retry = () => session.retryNow();
    window.addEventListener("online", retry);
    return () => window.removeEventListener("online", retry);
  }, [session]);
  useNews(onNews);
  useShortcuts();
  useCallTitle();
  usePageGuards();
  useReplacedDevice();
  useFewerTiles();
  const quiet = useQuietControls();
  const connection = useBehavior(session.connection);
  const now = useNow(500, connection.status === "interrupted");
  const phase = connectionPhase(connection, now);
  const lost = phase === "lost";
  const alone = useBehavior(session.people.list).length === 1;
  return (
    <main
      id="main"
      className={styles.call}
      data-stage
      data-panel={panel ?? "none"}
      data-quiet={quiet || undefined}
      tabIndex={-1}
    >
      <h1 ref={heading} className="visually-hidden" tabIndex={-1}>
        {meeting.name ?? meeting.code}
      </h1>
      <div className={styles.body}>
        <div className={styles.center}>
          <Banners phase={phase} now={now} />
          {alone && !lost && <AloneCard connecting={phase === "connecting"} />}
          {lost ? <LostScreen /> : <StageArea phase={phase} />}
        </div>
        {panel === "chat" && <ChatPanel />}
        {panel === "people" && <PeoplePanel />}
      </div>
      <MutedNudge />
      <ControlBar />
      {children}
    </main>
  );
}
