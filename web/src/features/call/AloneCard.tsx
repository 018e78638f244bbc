import { useBehavior } from "../../app/useBehavior";
import { CopyButton } from "../landing/CopyButton";
import styles from "./AloneCard.module.css";
import { useCall, useCallText } from "./context";

/** Shown while nobody else is here: the one thing to do is to share the link. */
export function AloneCard({ connecting }: { connecting: boolean }) {
  const { meeting, session } = useCall();
  const t = useCallText();
  const connection = useBehavior(session.connection);
  if (connecting) {
    const busy = connection.status === "connecting" && connection.busy;
    return (
      <p className={styles.alone} role="status">
        {t(busy ? "serverBusy" : "connecting")}
      </p>
    );
  }
  const [host, ...path] = meeting.url.replace(/^https?:\/\//u, "").split("/");
  return (
    <div className={styles.alone}>
      <p>{t("alone")}</p>
      <p className={`${styles.link} mono`}>
        {host}/<wbr />
        {path.slice(0, -1).join("/")}/<wbr />
        <span className={styles.code}>{path.at(-1)}</span>
      </p>
      <CopyButton text={meeting.url} label={t("copyLink")} />
    </div>
  );
}
