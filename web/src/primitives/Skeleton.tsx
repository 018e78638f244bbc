import styles from "./Skeleton.module.css";

/** Holds the place of something that loads, in its final size. Hidden from screen readers. */
export function Skeleton({ className }: { className?: string | undefined }) {
  return <div aria-hidden="true" className={[styles.skeleton, className].filter(Boolean).join(" ")} />;
}
