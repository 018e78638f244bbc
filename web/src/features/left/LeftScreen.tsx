import {
  type ChatLine,
  commonMessages,
  type LeftReason,
  leftMessages,
  type MeetingStage,
  problemMessages,
  type Translate,
} from "@heydok/client";
import { Download } from "lucide-react";
import { useEffect, useRef } from "react";
import { useText } from "../../app/context";
import { useFormat } from "../../app/format";
import { saveText } from "../../browser/save";
import { Frame } from "../../frame/Frame";
import { Heading } from "../../frame/Heading";
import { useAnnounce } from "../../primitives/Announcer";
import { Button, LinkButton } from "../../primitives/Button";
import { Notice } from "../../primitives/Notice";
import { EmptyChair } from "../problem/EmptyChair";
import styles from "../problem/Problem.module.css";
import { problemText, useCountdown } from "../problem/problemText";
import { SupportLink } from "../problem/SupportLink";

type LeftStage = Extract<MeetingStage, { stage: "left" }>;
type LeftText = Translate<typeof leftMessages>;

const titles = {
  left: "left",
  removed: "removed",
  ended: "ended",
  other_device: "otherDevice",
  connection: "connection",
  room_deleted: "roomDeleted",
  server_stopped: "serverStopped",
  server_busy: "serverBusy",
  no_answer: "noAnswer",
  never_connected: "neverConnected",
} as const satisfies Record<LeftReason, string>;

/** What may last until somebody mends the server or its network. */
const lasting: ReadonlySet<LeftReason> = new Set(["no_answer", "never_connected", "server_stopped"]);

/** Where the line was the cause, a test of it says more. */
const ofTheLine: ReadonlySet<LeftReason> = new Set(["no_answer", "never_connected", "connection"]);

/** After the call: why it is over, and the way back where there is one. */
export function LeftScreen({ stage, onRejoin }: { stage: LeftStage; onRejoin: () => void }) {
  const t = useText(leftMessages);
  const common = useText(commonMessages);
  const format = useFormat();
  const announce = useAnnounce();
  const rejoin = useRef<HTMLButtonElement>(null);
  const title = t(titles[stage.reason]);
  const back = backLabel(stage.reason, t);
  useEffect(() => announce(title, "assertive"), [announce, title]);
  useEffect(() => rejoin.current?.focus(), []);
  const { durationSeconds, code, chat } = stage.details;
  // The one deed stands first.
  const toStart = (
    <LinkButton href="/" look={back === null ? "primary" : "outlined"}>
      {common("toStart")}
    </LinkButton>
  );
  return (
    <Frame>
      <div className={styles.screen}>
        <EmptyChair />
        <Heading title={title} takesFocus={back === null}>
          {title}
        </Heading>
        <p className="lead">
          {t(`${titles[stage.reason]}Text`)}
          {code && ` ${t("code", { code })}`}
        </p>
        {ofTheLine.has(stage.reason) && (
          <p>
            <a href="/test">{common("selfTest")}</a>
          </p>
        )}
        {lasting.has(stage.reason) && <SupportLink />}
        {durationSeconds > 0 && (
          <p className="lead">{t("duration", { time: format.duration(durationSeconds) })}</p>
        )}
        {stage.problem && <RejoinProblem problem={stage.problem} />}
        <div className={styles.actions}>
          {back !== null && (
            <Button ref={rejoin} look="primary" busy={stage.rejoining} onClick={onRejoin}>
              {stage.rejoining ? t("rejoining") : back}
            </Button>
          )}
          {back === null && toStart}
          {chat !== undefined && chat.length > 0 && <ChatDownload chat={chat} code={stage.meeting.code} />}
          {back !== null && toStart}
        </div>
      </div>
    </Frame>
  );
}

/** The chat as a text file, made in the page. */
function ChatDownload({ chat, code }: { chat: readonly ChatLine[]; code: string }) {
  const t = useText(leftMessages);
  const format = useFormat();
  const download = () => {
    const lines = chat.map(({ at, name, text, isPrivate }) => {
      const by = isPrivate ? t("chatPrivately", { name }) : name;
      return `${format.dateTime(new Date(at))} – ${by}: ${text}`;
    });
    saveText(`${t("chatFile")}-${code}.txt`, lines.join("\n"));
  };
  return (
    <Button icon={Download} onClick={download}>
      {t("downloadChat")}
    </Button>
  );
}

/** What the way back is called, or `null` where there is none. */
function backLabel(reason: LeftReason, t: LeftText): string | null {
  switch (reason) {
    case "left":
      return t("rejoin");
    case "other_device":
      return t("continueHere");
    case "connection":
    case "no_answer":
    case "never_connected":
    case "server_stopped":
    case "server_busy":
      return t("reconnect");
    case "removed":
    case "ended":
    case "room_deleted":
      return null;
  }
}

function RejoinProblem({ problem }: { problem: NonNullable<LeftStage["problem"]> }) {
  const t = useText(problemMessages);
  const format = useFormat();
  const wait = useCountdown("seconds" in problem ? problem.seconds : 0);
  return (
    <Notice tone="danger" role="alert">
      <p>{problemText(problem, t, format, wait)}</p>
    </Notice>
  );
}
