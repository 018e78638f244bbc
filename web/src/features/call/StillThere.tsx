import { type AloneSince, loneliness, nextAlone } from "@heydok/client/call";
import { useEffect, useRef, useState } from "react";
import { useBehavior } from "../../app/useBehavior";
import { useAnnounce } from "../../primitives/Announcer";
import { Button } from "../../primitives/Button";
import { Dialog } from "../../primitives/Dialog";
import { useCall, useCallText } from "./context";
import { clockTime, useNow } from "./useNow";

/** Asks whoever has been alone for a quarter of an hour whether they are still there, and leaves for them if not. */
export function StillThere() {
  const { session } = useCall();
  const t = useCallText();
  const people = useBehavior(session.people.list).length;
  const now = useNow(1_000);
  const [since, setSince] = useState<AloneSince>(null);
  useEffect(() => setSince((before) => nextAlone(before, people, Date.now())), [people]);
  const state = loneliness(since, now);
  const over = state.kind === "over";
  useEffect(() => {
    if (over) session.leave();
  }, [over, session]);
  if (state.kind !== "asked") return null;
  const stay = () => setSince(Date.now());
  return (
    <Dialog
      title={t("stillThere")}
      onClose={stay}
      actions={
        <Button look="primary" onClick={stay} data-autofocus>
          {t("stay")}
        </Button>
      }
    >
      <Question />
      <p className="hint">{t("stillThereText", { time: clockTime(state.secondsLeft) })}</p>
    </Dialog>
  );
}

/** Said once, not with every second of the clock. */
function Question() {
  const t = useCallText();
  const announce = useAnnounce();
  const said = useRef(false);
  useEffect(() => {
    if (!said.current) announce(t("stillThere"), "assertive");
    said.current = true;
  }, [announce, t]);
  return null;
}
