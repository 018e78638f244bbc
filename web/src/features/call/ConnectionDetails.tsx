import {
  type LineDetails,
  lineMessages,
  type Quality,
  type Route,
  settingsMessages,
} from "@heydok/client/call";
import { Check, Copy } from "lucide-react";
import { useState } from "react";
import { useText } from "../../app/context";
import { useBehavior } from "../../app/useBehavior";
import { useAnnounce } from "../../primitives/Announcer";
import { Button } from "../../primitives/Button";
import { Switch } from "../../primitives/Switch";
import { copyText } from "../landing/copy";
import { WEAKNESSES } from "./causes";
import { useCall, useCallText } from "./context";
import { QualityBars } from "./QualityBars";
import styles from "./Settings.module.css";

const QUALITIES = {
  good: "qualityGood",
  weak: "qualityWeak",
  lost: "qualityLost",
  unknown: "qualityUnknown",
} as const satisfies Record<Quality, string>;
const ROUTES = {
  udp: "routeUdp",
  tcp: "routeTcp",
  relay_udp: "routeRelayUdp",
  relay_tcp: "routeRelayTcp",
  relay_tls: "routeRelayTls",
} as const satisfies Record<Route, string>;

/** The figures of the line, renewed every two seconds, and what to do when it is weak. */
export function ConnectionDetails() {
  const { session } = useCall();
  const t = useText(settingsMessages);
  const call = useCallText();
  const line = useText(lineMessages);
  const details = useBehavior(session.monitor.details);
  const quality = useBehavior(session.people.list).find((view) => view.isLocal)?.quality ?? "unknown";
  const audioOnly = useBehavior(session.audioOnly);
  const weakness = useBehavior(session.monitor.weakness);
  const rows = rowsOf(details, t);
  return (
    <>
      {weakness !== null && (
        <p className={styles.quality} data-quality="weak">
          <QualityBars quality="weak" size={18} />
          {line(WEAKNESSES[weakness])}
        </p>
      )}
      <dl className={styles.figures}>
        <div>
          <dt>{t("quality")}</dt>
          <dd className={styles.quality} data-quality={quality}>
            <QualityBars quality={quality} size={18} />
            {t(QUALITIES[quality])}
          </dd>
        </div>
        {rows.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <Switch
        label={call("audioOnly")}
        hint={call("audioOnlyHint")}
        checked={audioOnly}
        onChange={(on) => session.setAudioOnly(on)}
      />
      <CopyReport
        rows={[
          [t("quality"), t(QUALITIES[quality])],
          ...rows,
          ...(weakness === null ? [] : [[t("cause"), line(WEAKNESSES[weakness])] as const]),
        ]}
      />
    </>
  );
}

type Row = readonly [name: string, value: string];

function rowsOf(details: LineDetails, t: ReturnType<typeof useText<typeof settingsMessages>>): Row[] {
  const { up, down, lossUp, lossDown, delay, route, videoCodec, audioCodec } = details;
  const rate = (kbits: number | null) => (kbits === null ? t("unknown") : t("rate", { kbits }));
  const loss = (percent: number | null) => (percent === null ? t("unknown") : t("lossValue", { percent }));
  return [
    [t("up"), rate(up)],
    [t("down"), rate(down)],
    [t("lossUp"), loss(lossUp)],
    [t("lossDown"), loss(lossDown)],
    [t("delay"), delay === null ? t("unknown") : t("delayValue", { ms: delay })],
    [t("route"), route === null ? t("unknown") : t(ROUTES[route])],
    [
      t("codecs"),
      [videoCodec, audioCodec]
        .filter((name) => name !== null)
        .map(named)
        .join(", ") || t("unknown"),
    ],
  ];
}

/** Browsers write `opus` beside `VP8`. */
function named(codec: string): string {
  return codec.charAt(0).toUpperCase() + codec.slice(1);
}

function CopyReport({ rows }: { rows: readonly Row[] }) {
  const t = useText(settingsMessages);
  const announce = useAnnounce();
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    const lines = rows.map(([name, value]) => `${name}: ${value}`);
    const report = [...lines, navigator.userAgent, new Date().toISOString()].join("\n");
    const done = await copyText(report);
    setCopied(done);
    if (done) announce(t("reportCopied"));
  };
  return (
    <div className={styles.report}>
      <Button icon={copied ? Check : Copy} onClick={copy}>
        {copied ? t("reportCopied") : t("copyReport")}
      </Button>
      <p className="hint">{t("reportHint")}</p>
    </div>
  );
}
