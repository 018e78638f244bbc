import type { MeetingProblem, problemMessages, Translate } from "@heydok/client";
import { useEffect, useState } from "react";
import type { Format } from "../../app/format";

export type ProblemText = Translate<typeof problemMessages>;

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
