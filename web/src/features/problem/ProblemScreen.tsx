import { commonMessages, type MeetingProblem, problemMessages, type Translate } from "@heydok/client";
import { Keyboard, type LucideIcon, Plus, RotateCw } from "lucide-react";
import { useEffect, useState } from "react";
import { useText } from "../../app/context";
import { type Format, useFormat } from "../../app/format";
import { Frame } from "../../frame/Frame";
import { Heading } from "../../frame/Heading";
import { useAnnounce } from "../../primitives/Announcer";
import { Button, LinkButton } from "../../primitives/Button";
import { EmptyChair } from "./EmptyChair";
import styles from "./Problem.module.css";

type ProblemText = Translate<typeof problemMessages>;

/** A whole screen for what keeps a person out: what happened, why if known, and the next step. */
export function ProblemScreen({ problem, onRetry }: { problem: MeetingProblem; onRetry: () => void }) {
  const t = useText(problemMessages);
  const common = useText(commonMessages);
  const announce = useAnnounce();
  const format = useFormat();
  const wait = useCountdown("seconds" in problem ? problem.seconds : 0);
  const title = titleOf(problem, t);
  useEffect(() => announce(title), [announce, title]);
  const retry = canRetry(problem);
  const action = actionOf(problem, t, common);
  return (
    <Frame>
      <div className={styles.screen}>
        <EmptyChair />
        <Heading title={title}>{title}</Heading>
        <p className="lead">{textUnderTitle(problem, t, format, wait)}</p>
        <div className={styles.actions}>
          {retry && (
            <Button look="primary" icon={RotateCw} aria-disabled={wait > 0} onClick={onRetry}>
              {common("retry")}
            </Button>
          )}
          <LinkButton
            href="/"
            look={retry ? "outlined" : "primary"}
            {...(action.icon ? { icon: action.icon } : {})}
          >
            {action.label}
          </LinkButton>
        </div>
      </div>
    </Frame>
  );
}

function canRetry(problem: MeetingProblem): boolean {
  return ["locked", "full", "rateLimited", "busy", "network", "server"].includes(problem.kind);
}

/** The link beside or instead of another try. */
function actionOf(
  problem: MeetingProblem,
  t: ProblemText,
  common: Translate<typeof commonMessages>,
): { readonly label: string; readonly icon?: LucideIcon } {
  switch (problem.kind) {
    case "unknown":
      return { label: t("otherCode"), icon: Keyboard };
    case "expired":
    case "ended":
    case "cancelled":
      return { label: t("newMeeting"), icon: Plus };
    default:
      return { label: common("toStart") };
  }
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
