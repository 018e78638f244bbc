import styles from "./Frame.module.css";

/** The heydok mark: an h that raises its hand. */
export function Mark({ size = 32 }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden="true" className={styles.mark}>
      <rect width="32" height="32" rx="8" className={styles.markGround} />
      <path
        d="M9 7.5v17M9 17.2c0-3.1 2-5 4.8-5s4.4 1.9 4.4 4.8v7.5"
        fill="none"
        className={styles.markLine}
        strokeWidth="3"
        strokeLinecap="round"
        strokeLinejoin="round"
      />
      <circle cx="23.4" cy="10" r="2.6" className={styles.markDot} />
    </svg>
  );
}
