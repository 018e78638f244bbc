import {
  commonMessages,
  type MeetingProblem,
  mayBeRetried,
  needsSupport,
  problemMessages,
  type WayOn,
  wayOnFrom,
} from "@heydok/client";
import { Keyboard, type LucideIcon, Plus, RotateCw } from "lucide-react";
import { useEffect } from "react";
import { useText } from "../../app/context";
import { useFormat } from "../../app/format";
import { useOffers } from "../../app/useOffers";
import { Frame } from "../../frame/Frame";
import { Heading } from "../../frame/Heading";
import { useAnnounce } from "../../primitives/Announcer";
import { Button, LinkButton } from "../../primitives/Button";
import { EmptyChair } from "./EmptyChair";
import styles from "./Problem.module.css";
import { type ProblemText, textUnderTitle, useCountdown } from "./problemText";
import { SupportLink } from "./SupportLink";

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
