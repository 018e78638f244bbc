import styles from "./Problem.module.css";

/** A line drawing for screens where nobody meets: an empty chair at the end of a table. */
export function EmptyChair() {
  return (
    <svg
      className={styles.drawing}
      viewBox="3 0 160 112"
      width="160"
      height="112"
      fill="none"
      aria-hidden="true"
    >
      <path d="M4 104h152" />
      <path d="M60 52h84M70 52v52M134 52v52" />
      <path d="M22 24v80M22 66h30M52 66v38M22 24c-4 0-6 3-5 7l3 22" />
      <path d="M98 38v9a5 5 0 0 0 5 5h4a5 5 0 0 0 5-5v-9zM112 41h3a3 3 0 0 1 0 7h-3" />
    </svg>
  );
}
