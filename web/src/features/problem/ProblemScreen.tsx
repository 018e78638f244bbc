import {
  commonMessages,
  type MeetingProblem,
  mayBeRetried,
  needsSupport,
  problemMessages,
  type Translate,
  type WayOn,
  wayOnFrom,
} from "@heydok/client";
import { Keyboard, type LucideIcon, Plus, RotateCw } from "lucide-react";
import { useEffect, useState } from "react";
import { useText } from "../../app/context";
import { type Format, useFormat } from "../../app/format";
import { useOffers } from "../../app/useOffers";
import { Frame } from "../../frame/Frame";
import { Heading } from "../../frame/Heading";
import { useAnnounce } from "../../primitives/Announcer";
import { Button, LinkButton } from "../../primitives/Button";
import { EmptyChair } from "./EmptyChair";
import styles from "./Problem.module.css";
import { SupportLink } from "./SupportLink";

type ProblemText = Translate<typeof problemMessages>;

const wayIcons: Record<WayOn, LucideIcon | undefined> = {
  otherCode: Keyboard,
  newMeeting: Plus,
  start: undefined,
};

/** A whole screen for what keeps a person out: what happened, why if known, and the next step. */
export function ProblemScreen({ problem, onRetry }: { problem: MeetingProblem; onRetry: () => void }) {
  const t = useText(problemMessages);
  const common = useText(commonMessages);
  const announce = useAnnounce();
  const format = useFormat();
  const wait = useCountdown("seconds" in problem ? problem.seconds : 0);
  const title = titleOf(problem, t);
  useEffect(() => announce(title), [announce, title]);
  const retry = mayBeRetried(problem);
  const creation = useOffers().creation === true;
  const wayOn = wayOnFrom(problem, creation);
  const text = textOnScreen(problem, creation, t) ?? textUnderTitle(problem, t, format, wait);
  return (
    <Frame>
      <div className={styles.screen}>
        <EmptyChair />
        <Heading title={title}>{title}</Heading>
        <p className="lead">{text}</p>
        {needsSupport(problem) && <SupportLink />}
        <div className={styles.actions}>
          {retry && (
            <Button look="primary" icon={RotateCw} aria-disabled={wait > 0} onClick={onRetry}>
              {common("retry")}
            </Button>
          )}
          <LinkButton href="/" look={retry ? "outlined" : "primary"} icon={wayIcons[wayOn]}>
            {wayOn === "start" ? common("toStart") : t(wayOn)}
          </LinkButton>
        </div>
      </div>
    </Frame>
  );
}

/** What only a whole screen says otherwise than a notice does. */
function textOnScreen(problem: MeetingProblem, creation: boolean, t: ProblemText): string | null {
  if (problem.kind === "ended" && !creation) return t("endedTextNoCreation");
  // Whoever only opened a link has typed nothing that could be kept.
  if (problem.kind === "server") return t("serverAgain", { code: problem.reference });
  return null;
}

function titleOf(problem: MeetingProblem, t: ProblemText): string {
  return t(`${problem.kind}Title`);
}

/** The sentence under the heading, which has said the first half already. */
export function textUnderTitle(
  problem: MeetingProblem,
  t: ProblemText,
  format: Format,
  seconds: number,
): string {
  if (problem.kind === "expired" && problem.until !== null) {
    return t("expiredMore", { date: format.dateTime(problem.until) });
  }
  if (problem.kind === "server") return t("serverMore", { code: problem.reference });
  if (problem.kind === "rateLimited" && seconds > 0) return t("rateLimitedMore", { s: seconds });
  return problemText(problem, t, format, seconds);
}

/** The whole sentence, for places without a heading. `seconds` is what is left of a wait. */
export function problemText(
  problem: MeetingProblem,
  t: ProblemText,
  format: Format,
  seconds: number,
): string {
  switch (problem.kind) {
    case "expired":
      return problem.until === null
        ? t("expiredTextNoDate")
        : t("expiredText", { date: format.dateTime(problem.until) });
    case "full":
      return problem.max === null ? t("fullTextNoNumber") : t("fullText", { max: problem.max });
    case "rateLimited":
      return seconds > 0 ? t("rateLimitedText", { s: seconds }) : t("rateLimitedOver");
    case "busy":
      return seconds > 0 ? t("busyText", { s: seconds }) : t("rateLimitedOver");
    case "server":
      return t("serverText", { code: problem.reference });
    default:
      return t(`${problem.kind}Text`);
  }
}

/** Counts whole seconds down to zero. */
export function useCountdown(from: number): number {
  const [left, setLeft] = useState(from);
  useEffect(() => {
    setLeft(from);
    const end = Date.now() + from * 1_000;
    if (from <= 0) return;
    const timer = setInterval(() => {
      const rest = Math.max(0, Math.ceil((end - Date.now()) / 1_000));
      setLeft(rest);
      if (rest === 0) clearInterval(timer);
    }, 250);
    return () => clearInterval(timer);
  }, [from]);
  return left;
}
