import type { LucideIcon } from "lucide-react";

/** A line icon beside a written or spoken name; never the name itself. */
export function Icon({ of: Shape, size = 20 }: { of: LucideIcon; size?: number }) {
  return <Shape aria-hidden focusable={false} size={size} strokeWidth={1.75} />;
}
