import styles from "./ControlBar.module.css";
import { useCall, useCallText } from "./context";
import { clockTime, useNow } from "./useNow";

/** How long one has been here, and where. */
export function Elapsed() {
  const { meeting, session } = useCall();
  const t = useCallText();
  const now = useNow(1000);
  const time = clockTime((now - (session.since ?? now)) / 1000);
  return (
    <div className={styles.info}>
      <span className={styles.time}>
        <span className="visually-hidden">{t("elapsed", { time })}</span>
        <span aria-hidden="true">{time}</span>
      </span>
      <span className={meeting.name === null ? `${styles.title} mono` : styles.title}>
        {meeting.name ?? meeting.code}
      </span>
    </div>
  );
}
