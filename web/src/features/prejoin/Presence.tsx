import {
  type MeetingInfo,
  type Presence as PresenceOf,
  PresenceViewModel,
  preJoinMessages,
  type Translate,
} from "@heydok/client";
import { Users } from "lucide-react";
import { useServices, useText } from "../../app/context";
import { useBehavior } from "../../app/useBehavior";
import { useViewModel } from "../../app/useViewModel";
import { Icon } from "../../primitives/Icon";
import styles from "./PreJoin.module.css";

/** Shown before the limit is hit: from this share of the places on. */
const NEARLY_FULL = 0.8;

/** Who is already in. */
export function Presence({ meeting }: { meeting: MeetingInfo }) {
  const { api } = useServices();
  const model = useViewModel(() => new PresenceViewModel(api, meeting));
  return model && <PresenceLine model={model} max={meeting.maxParticipants} />;
}

function PresenceLine({ model, max }: { model: PresenceViewModel; max: number }) {
  const t = useText(preJoinMessages);
  const presence = useBehavior(model.presence);
  const nearlyFull = presence.count >= max * NEARLY_FULL;
  return (
    <p className={styles.presence}>
      <Icon of={Users} size={18} />
      <span>
        {sentence(presence, t)}
        {nearlyFull && ` (${t("places", { n: presence.count, max })})`}
      </span>
    </p>
  );
}

function sentence({ count, names }: PresenceOf, t: Translate<typeof preJoinMessages>): string {
  const [a, b, c] = names;
  if (count === 0) return t("nobody");
  if (a === undefined || names.length < count) return t("peopleCount", { n: count });
  if (b === undefined) return t("peopleOne", { a });
  if (c === undefined) return t("peopleTwo", { a, b });
  return count === 3 ? t("peopleThree", { a, b, c }) : t("peopleMore", { a, b, n: count - 2 });
}
