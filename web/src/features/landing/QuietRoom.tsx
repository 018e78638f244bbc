import styles from "./Landing.module.css";

/** A quiet room, drawn with one line weight: a window with pines, a table, two chairs, a lamp. */
export function QuietRoom() {
  return (
    <svg className={styles.drawing} viewBox="0 0 520 420" fill="none" aria-hidden="true">
      <path d="M8 388h504" />
      <rect x="92" y="40" width="248" height="188" rx="4" />
      <path d="M216 40v188M92 134h248M80 228h272" />
      <path d="M150 228v-24M150 104l-20 34h10l-16 30h10l-14 36h60l-14-36h10l-16-30h10z" />
      <path d="M272 228v-34M272 128l-15 26h7l-12 22h8l-11 18h46l-11-18h8l-12-22h7z" />
      <path d="M308 84a18 18 0 1 1-22-17 14 14 0 0 0 22 17z" />
      <path d="M420 8v84M386 132c0-22 15-40 34-40s34 18 34 40zM408 132a12 12 0 0 0 24 0" />
      <path d="M132 284h300M156 284v104M408 284v104" />
      <path d="M204 284l-10-46h66l10 46M188 284h94" />
      <path d="M346 284v-16a4 4 0 0 1 4-4h20a4 4 0 0 1 4 4v16M374 270h6a6 6 0 0 1 0 12h-6M356 254c-4-5 4-8 0-14M366 254c-4-5 4-8 0-14" />
      <path d="M68 232c-5 0-8 4-7 9l11 79h52M72 320v68M124 320v68" />
      <path d="M492 232c5 0 8 4 7 9l-11 79h-48M488 320v68M440 320v68" />
    </svg>
  );
}
