import { avatarColour, initials } from "@heydok/client";
import styles from "./Avatar.module.css";

/** Initials on the colour of an identity, for people without a picture. The name stands beside it. */
export function Avatar({
  id,
  name,
  className,
}: {
  id: string;
  name: string;
  className?: string | undefined;
}) {
  return (
    <span
      className={[styles.avatar, className].filter(Boolean).join(" ")}
      data-colour={avatarColour(id)}
      aria-hidden="true"
    >
      {initials(name)}
    </span>
  );
}
