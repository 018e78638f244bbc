import {
  type Check,
  type CheckPorts,
  type CheckState,
  ChecksViewModel,
  checkMessages,
  endings,
  noteText,
  reportOf,
  type Verdict,
  verdictText,
} from "@heydok/client";
import {
  CircleCheck,
  CircleDashed,
  CircleMinus,
  CircleX,
  Copy,
  Download,
  type LucideIcon,
  RefreshCw,
  TriangleAlert,
} from "lucide-react";
import { useEffect, useRef } from "react";
import { useServices, useText } from "../../app/context";
import { useBehavior } from "../../app/useBehavior";
import { useViewModel } from "../../app/useViewModel";
import { browserDevices } from "../../browser/devices";
import { browserLine } from "../../browser/line";
import { openLevelMeter } from "../../browser/meter";
import { saveText } from "../../browser/save";
import { Frame } from "../../frame/Frame";
import { Heading } from "../../frame/Heading";
import { useAnnounce } from "../../primitives/Announcer";
import { Button } from "../../primitives/Button";
import { Icon } from "../../primitives/Icon";
import { Notice, type Tone } from "../../primitives/Notice";
import { Spinner } from "../../primitives/Spinner";
import { useToast } from "../../primitives/Toasts";
import { copyText } from "../landing/copy";
import styles from "./Test.module.css";

const ports: CheckPorts = {
  ...browserLine,
  secure: window.isSecureContext,
  capable: "RTCPeerConnection" in window && "WebSocket" in window,
  devices: browserDevices,
  openLevelMeter,
};

/** Tests device and connection, and has a report for whoever helps. */
export default function TestScreen() {
  const { preferences } = useServices();
  const model = useViewModel(() => {
    const made = new ChecksViewModel(ports, preferences.preferences.value);
    void made.start();
    return made;
  });
  return <Frame>{model && <TestView model={model} />}</Frame>;
}

function TestView({ model }: { model: ChecksViewModel }) {
  const t = useText(checkMessages);
  const checks = useBehavior(model.checks);
  const verdict = useBehavior(model.verdict);
  const announce = useAnnounce();
  const heard = useRef(checks);
  useEffect(() => {
    for (const ending of endings(heard.current, checks, t)) announce(ending);
    heard.current = checks;
  }, [checks, announce, t]);
  return (
    <div className={styles.screen}>
      <Heading title={t("title")}>{t("title")}</Heading>
      <p className="lead">{t("lead")}</p>
      <div role="status" className={styles.verdict}>
        {verdict === null ? <Running checks={checks} /> : <Judgement verdict={verdict} />}
      </div>
      <ol className={styles.list} aria-label={t("list")}>
        {checks.map((check) => (
          <Row key={check.id} check={check} />
        ))}
      </ol>
      {verdict !== null && <Deeds model={model} checks={checks} verdict={verdict} />}
    </div>
  );
}

function Running({ checks }: { checks: readonly Check[] }) {
  const t = useText(checkMessages);
  const done = checks.filter(({ state }) => state !== "waiting" && state !== "running").length;
  return (
    <p className={styles.running}>
      <Spinner size={20} />
      {t("testing")}
      <span className={styles.count} aria-hidden="true">
        {t("progress", { n: Math.min(done + 1, checks.length), of: checks.length })}
      </span>
    </p>
  );
}

const TONES = {
  video: "ok",
  audio: "warn",
  unheard: "warn",
  blocked: "danger",
  unknown: "info",
} as const satisfies Record<Verdict["kind"], Tone>;

function Judgement({ verdict }: { verdict: Verdict }) {
  const t = useText(checkMessages);
  return <Notice tone={TONES[verdict.kind]} title={verdictText(verdict, t)} />;
}

const ICONS: Record<CheckState, LucideIcon> = {
  waiting: CircleDashed,
  running: CircleDashed,
  passed: CircleCheck,
  warning: TriangleAlert,
  failed: CircleX,
  skipped: CircleMinus,
};

function Row({ check }: { check: Check }) {
  const t = useText(checkMessages);
  const { id, state, note } = check;
  return (
    <li className={styles.row} data-state={state}>
      <span className={styles.icon}>
        {state === "running" ? <Spinner size={20} /> : <Icon of={ICONS[state]} />}
      </span>
      <span className={styles.name}>{t(`name_${id}`)}</span>
      <span className={styles.state}>{t(`state_${state}`)}</span>
      {note !== null && <span className={styles.note}>{noteText(note, t)}</span>}
    </li>
  );
}

function Deeds(props: { model: ChecksViewModel; checks: readonly Check[]; verdict: Verdict }) {
  const { model, checks, verdict } = props;
  const t = useText(checkMessages);
  const announce = useAnnounce();
  const toast = useToast();
  const report = () => reportOf(checks, verdict, t, { agent: navigator.userAgent, at: new Date() });
  const copy = async () => {
    if (await copyText(report())) {
      announce(t("reportCopied"));
      toast({ text: t("reportCopied") });
    } else toast({ text: t("copyFailed") });
  };
  return (
    <div className={styles.deeds}>
      <div className={styles.buttons}>
        <Button look="primary" icon={RefreshCw} onClick={() => void model.start()}>
          {t("again")}
        </Button>
        <Button icon={Copy} onClick={() => void copy()}>
          {t("copyReport")}
        </Button>
        <Button icon={Download} onClick={() => saveText(`${t("reportFile")}.txt`, report())}>
          {t("saveReport")}
        </Button>
      </div>
      <p className="hint">{t("reportHint")}</p>
    </div>
  );
}
