import {
  checkMessages,
  LineCheckViewModel,
  type PreJoinViewModel,
  type Verdict,
  verdictText,
} from "@heydok/client";
import { CircleCheck, CircleDashed, CircleX, type LucideIcon, TriangleAlert } from "lucide-react";
import { useEffect } from "react";
import { useText } from "../../app/context";
import { isEmbedded } from "../../app/router";
import { useBehavior } from "../../app/useBehavior";
import { useViewModel } from "../../app/useViewModel";
import { browserLine } from "../../browser/line";
import { Icon } from "../../primitives/Icon";
import styles from "./LineCheck.module.css";

/** Does the line carry a call? Found out in the background; it gives way as soon as somebody joins. */
export function LineCheck({ model }: { model: PreJoinViewModel }) {
  const line = useViewModel(() => {
    const made = new LineCheckViewModel(browserLine);
    made.begin();
    return made;
  });
  const { status } = useBehavior(model.attempt);
  useEffect(() => {
    if (status === "joining") line?.end();
  }, [status, line]);
  return line && <LineVerdict line={line} />;
}

const ICONS = {
  video: CircleCheck,
  audio: TriangleAlert,
  unheard: TriangleAlert,
  blocked: CircleX,
} as const satisfies Record<Exclude<Verdict["kind"], "unknown">, LucideIcon>;

function LineVerdict({ line }: { line: LineCheckViewModel }) {
  const t = useText(checkMessages);
  const verdict = useBehavior(line.verdict);
  const known = verdict !== null && verdict.kind !== "unknown";
  return (
    <div className={styles.line}>
      <p role="status" className={styles.verdict} data-kind={verdict?.kind ?? "running"}>
        {verdict === null && (
          <>
            <Icon of={CircleDashed} size={18} />
            {t("checking")}
          </>
        )}
        {known && (
          <>
            <Icon of={ICONS[verdict.kind]} size={18} />
            <span>{verdictText(verdict, t)}</span>
          </>
        )}
      </p>
      <a href="/test" {...(isEmbedded(location) ? { target: "_blank", rel: "noopener" } : {})}>
        {t("details")}
      </a>
    </div>
  );
}
