import {
  DISPLAY_NAME_CHARS_MAX,
  type MeetingProblem,
  needsSupport,
  type PreJoinViewModel,
  preJoinMessages,
  problemMessages,
} from "@heydok/client";
import { type FormEvent, type RefObject, useEffect, useLayoutEffect, useRef } from "react";
import { useText } from "../../app/context";
import { useFormat } from "../../app/format";
import { useBehavior } from "../../app/useBehavior";
import { useAnnounce } from "../../primitives/Announcer";
import { Button } from "../../primitives/Button";
import { Notice } from "../../primitives/Notice";
import { TextField } from "../../primitives/TextField";
import { textUnderTitle, useCountdown } from "../problem/problemText";
import { SupportLink } from "../problem/SupportLink";
import { PasswordField } from "./PasswordField";
import styles from "./PreJoin.module.css";

/** The button stands at the end of the page, the field at its beginning; this ties them together. */
const FORM_ID = "join-form";

/** The value of the button that joins as one more device. */
const AS_SECOND = "second";

/** The name, first in the order of the keyboard, and the password where there is one; Enter joins. */
export function JoinForm({ model }: { model: PreJoinViewModel }) {
  const t = useText(preJoinMessages);
  const name = useBehavior(model.name);
  const missing = useBehavior(model.nameMissing);
  const passwordWanted = useBehavior(model.passwordWanted);
  const fields = {
    name: useRef<HTMLInputElement>(null),
    password: useRef<HTMLInputElement>(null),
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const { submitter } = event.nativeEvent as SubmitEvent;
    const wrong = model.submit(submitter?.getAttribute("value") === AS_SECOND);
    if (wrong !== null) fields[wrong].current?.focus();
  };
  return (
    <form id={FORM_ID} className={styles.form} onSubmit={submit} noValidate>
      <TextField
        ref={fields.name}
        id="displayName"
        label={t("name")}
        value={name}
        onChange={(event) => model.rename(event.target.value)}
        error={missing ? t("nameMissing") : ""}
        maxLength={DISPLAY_NAME_CHARS_MAX}
        autoComplete="name"
        enterKeyHint="go"
        required
      />
      {passwordWanted && <PasswordField model={model} field={fields.password} />}
    </form>
  );
}

/** The one deed, and why it failed. */
export function JoinBar({ model }: { model: PreJoinViewModel }) {
  const t = useText(preJoinMessages);
  const attempt = useBehavior(model.attempt);
  const alreadyIn = useBehavior(model.inOtherTab);
  const primary = useRef<HTMLButtonElement>(null);
  const announce = useAnnounce();
  useEffect(() => {
    if (alreadyIn) announce(t("alreadyIn"));
  }, [alreadyIn, announce, t]);
  const busy = attempt.status === "joining" || attempt.status === "waiting";
  return (
    <div className={styles.joinBar} data-sticky-end>
      {attempt.status === "failed" && <JoinProblem problem={attempt.problem} />}
      <div role="status" className={styles.joinStatus}>
        {attempt.status === "waiting" && <Notice tone="warn">{t("waitingForNetwork")}</Notice>}
      </div>
      {alreadyIn && <p className={styles.alreadyIn}>{t("alreadyIn")}</p>}
      <div className={styles.joinChoices}>
        <Button ref={primary} type="submit" form={FORM_ID} look="primary" large busy={busy} wide>
          {attempt.status === "joining" ? t("joining") : t(alreadyIn ? "joinHere" : "join")}
        </Button>
        {alreadyIn && <SecondDevice disabled={busy} primary={primary} />}
      </div>
    </div>
  );
}

/** Goes when the other tab leaves; whoever had the focus on it then has it on the button that stays. */
function SecondDevice(props: { disabled: boolean; primary: RefObject<HTMLButtonElement | null> }) {
  const { disabled, primary } = props;
  const t = useText(preJoinMessages);
  const button = useRef<HTMLButtonElement>(null);
  useLayoutEffect(() => {
    const own = button.current;
    return () => {
      if (own !== null && document.activeElement === own) primary.current?.focus();
    };
  }, [primary]);
  return (
    <Button ref={button} type="submit" form={FORM_ID} value={AS_SECOND} aria-disabled={disabled} wide>
      {t("joinAsSecond")}
    </Button>
  );
}

function JoinProblem({ problem }: { problem: MeetingProblem }) {
  const t = useText(problemMessages);
  const format = useFormat();
  const wait = useCountdown("seconds" in problem ? problem.seconds : 0);
  return (
    <Notice
      tone={problem.kind === "server" ? "danger" : "warn"}
      role="alert"
      title={t(`${problem.kind}Title`)}
    >
      <p>{textUnderTitle(problem, t, format, wait)}</p>
      {needsSupport(problem) && <SupportLink />}
    </Notice>
  );
}
