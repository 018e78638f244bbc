import {
  MEETING_PASSWORD_CHARS_MAX,
  type PasswordFault,
  type PreJoinViewModel,
  preJoinMessages,
  problemMessages,
} from "@heydok/client";
import { Eye, EyeOff } from "lucide-react";
import { type RefObject, useEffect, useState } from "react";
import { useText } from "../../app/context";
import { useBehavior } from "../../app/useBehavior";
import { IconButton } from "../../primitives/IconButton";
import { TextField } from "../../primitives/TextField";

const texts = {
  missing: "passwordRequiredText",
  asked: "passwordRequiredText",
  wrong: "passwordWrongText",
} as const satisfies Record<PasswordFault, string>;

/** The meeting's password, where guests need one. */
export function PasswordField({
  model,
  field,
}: {
  model: PreJoinViewModel;
  field: RefObject<HTMLInputElement | null>;
}) {
  const t = useText(preJoinMessages);
  const problem = useText(problemMessages);
  const password = useBehavior(model.password);
  const fault = useBehavior(model.passwordFault);
  const [shown, setShown] = useState(false);
  useEffect(() => {
    // The answer to the person's own press; what is wrong is read out with the field.
    if (fault !== "asked" && fault !== "wrong") return;
    field.current?.focus();
    field.current?.select();
  }, [fault, field]);
  return (
    <TextField
      ref={field}
      id="meetingPassword"
      label={t("password")}
      type={shown ? "text" : "password"}
      value={password}
      onChange={(event) => model.typePassword(event.target.value)}
      error={fault && problem(texts[fault])}
      maxLength={MEETING_PASSWORD_CHARS_MAX}
      autoComplete="off"
      autoCapitalize="none"
      spellCheck={false}
      enterKeyHint="go"
      required
      trailing={
        <IconButton
          icon={shown ? EyeOff : Eye}
          label={t(shown ? "passwordHide" : "passwordShow")}
          onClick={() => setShown(!shown)}
        />
      }
    />
  );
}
