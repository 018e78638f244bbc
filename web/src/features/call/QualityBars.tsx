import type { Quality } from "@heydok/client/call";
import { type LucideIcon, Signal, SignalLow, SignalZero } from "lucide-react";
import { Icon } from "../../primitives/Icon";
import styles from "./QualityBars.module.css";

const BARS = {
  good: Signal,
  weak: SignalLow,
  lost: SignalZero,
  unknown: SignalZero,
} as const satisfies Record<Quality, LucideIcon>;

/** How good a line is, as bars; the missing ones are drawn faintly, or a weak line would look like a cut icon. */
export function QualityBars({ quality, size = 16 }: { quality: Quality; size?: number }) {
  return (
    <span className={styles.bars}>
      <Icon of={Signal} size={size} />
      <Icon of={BARS[quality]} size={size} />
    </span>
  );
}
