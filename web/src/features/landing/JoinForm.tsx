import {
  type CodeCheck,
  type LandingViewModel,
  landingMessages,
  problemMessages,
  type Translate,
} from "@heydok/client";
import { type FormEvent, useEffect, useRef } from "react";
import { useText } from "../../app/context";
import { type Format, useFormat } from "../../app/format";
import { useBehavior } from "../../app/useBehavior";
import { networkOnline } from "../../browser/network";
import { useAnnounce } from "../../primitives/Announcer";
import { Button, type ButtonLook } from "../../primitives/Button";
import { Spinner } from "../../primitives/Spinner";
import { TextField } from "../../primitives/TextField";
import { problemText, useCountdown } from "../problem/problemText";
import styles from "./Landing.module.css";

interface JoinFormProps {
  readonly landing: LandingViewModel;
  readonly autoFocus?: boolean;
  /** The one deed of the screen, or one of several. */
  readonly look?: ButtonLook;
}

/** Code or link in, meeting out. */
export function JoinForm({ landing, autoFocus = false, look = "outlined" }: JoinFormProps) {
  const t = useText(landingMessages);
  const field = useRef<HTMLInputElement>(null);
  const typed = useBehavior(landing.typed);
  const check = useBehavior(landing.check);
  const online = useBehavior(networkOnline);
  const announce = useAnnounce();
  const { error, hint } = useCheckTexts(check, t);
  const said = error ?? (check.status === "open" ? hint : "");
  useEffect(() => {
    if (said) announce(said);
  }, [announce, said]);
  useEffect(() => {
    // Who has begun to go through the page by keyboard is not moved.
    if (!autoFocus || document.activeElement !== document.body) return;
    // On touch screens a keyboard would cover half of the page.
    if (matchMedia("(pointer: fine)").matches) field.current?.focus({ preventScroll: true });
  }, [autoFocus]);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (online && !landing.join()) field.current?.focus();
  };
  return (
    <form className={styles.joinForm} onSubmit={submit} noValidate>
      <TextField
        ref={field}
        label={t("field")}
        value={typed}
        onChange={(event) => landing.type(event.target.value)}
        error={error}
        hint={hint}
        mono
        placeholder="abc-defg-hij"
        autoComplete="off"
        autoCapitalize="none"
        spellCheck={false}
        enterKeyHint="go"
        maxLength={2_000}
        trailing={check.status === "checking" && <Spinner size={18} />}
        className={styles.joinField}
      />
      <Button type="submit" look={look} aria-disabled={!online} className={styles.joinButton}>
        {t("join")}
      </Button>
    </form>
  );
}

function useCheckTexts(
  check: CodeCheck,
  t: Translate<typeof landingMessages>,
): { error: string; hint: string } {
  const problems = useText(problemMessages);
  const format = useFormat();
  const problem = check.status === "problem" ? check.problem : null;
  const wait = useCountdown(problem && "seconds" in problem ? problem.seconds : 0);
  if (check.status === "notACode") return { error: t("notACode"), hint: "" };
  if (check.status === "checking") return { error: "", hint: t("checking") };
  if (check.status === "open") {
    return { error: "", hint: check.present === 0 ? t("foundEmpty") : t("found", { n: check.present }) };
  }
  if (problem === null) return { error: "", hint: "" };
  const error = shortProblem(problem, t, format) ?? problemText(problem, problems, format, wait);
  return { error, hint: "" };
}

/** The field's own words where a whole sentence with a way out would be too long. */
function shortProblem(
  problem: Extract<CodeCheck, { status: "problem" }>["problem"],
  t: Translate<typeof landingMessages>,
  format: Format,
): string | null {
  switch (problem.kind) {
    case "unknown":
    case "ended":
    case "cancelled":
    case "full":
      return t(problem.kind);
    case "expired":
      return problem.until === null
        ? t("expiredNoDate")
        : t("expired", { date: format.dateTime(problem.until) });
    default:
      return null;
  }
}
