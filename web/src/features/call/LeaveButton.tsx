import { LogOut, PhoneOff } from "lucide-react";
import { useState } from "react";
import { useBehavior } from "../../app/useBehavior";
import { Button } from "../../primitives/Button";
import { Dialog } from "../../primitives/Dialog";
import { Menu } from "../../primitives/Menu";
import { ControlButton } from "./ControlButton";
import { useCall, useCallText } from "./context";

/** Guests leave at once; whoever holds the host key may also end the meeting for everybody. */
export function LeaveButton() {
  const { session } = useCall();
  const t = useCallText();
  const people = useBehavior(session.people.list);
  const [asking, setAsking] = useState(false);
  const [failed, setFailed] = useState(false);
  if (!session.mayEnd) {
    return (
      <ControlButton icon={PhoneOff} label={t("leaveMeeting")} look="leave" onClick={() => session.leave()} />
    );
  }
  const end = async () => {
    setFailed(false);
    if (!(await session.endForEveryone())) {
      setFailed(true);
      setAsking(true);
    }
  };
  const others = people.length - 1;
  const items = [
    { id: "leave", label: t("leave"), icon: LogOut, onSelect: () => session.leave() },
    {
      id: "end",
      label: t("endForAll"),
      icon: PhoneOff,
      danger: true,
      onSelect: () => (others > 0 ? setAsking(true) : void end()),
    },
  ];
  return (
    <>
      <Menu
        label={t("leaveMeeting")}
        items={items}
        side="above"
        trigger={(props) => (
          <ControlButton {...props} icon={PhoneOff} label={t("leaveMeeting")} look="leave" />
        )}
      />
      {asking && <EndDialog others={others} failed={failed} onEnd={end} onClose={() => setAsking(false)} />}
    </>
  );
}

interface EndDialogProps {
  readonly others: number;
  readonly failed: boolean;
  readonly onEnd: () => Promise<void>;
  readonly onClose: () => void;
}

function EndDialog({ others, failed, onEnd, onClose }: EndDialogProps) {
  const t = useCallText();
  const [busy, setBusy] = useState(false);
  const press = async () => {
    setBusy(true);
    await onEnd();
    setBusy(false);
  };
  return (
    <Dialog
      title={t("endQuestion")}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>{t("cancel")}</Button>
          <Button look="danger" busy={busy} onClick={press}>
            {t("endForPeople", { n: others + 1 })}
          </Button>
        </>
      }
    >
      <p>{t("endHint")}</p>
      {failed && <p role="alert">{t("endFailed")}</p>}
    </Dialog>
  );
}
